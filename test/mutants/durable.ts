import type { Mutant } from './mutant.ts';

const file = 'src/logical/durable-file.ts';
const clock = 'src/logical/durable-hybrid-clock.ts';
const lock = 'src/logical/durable-lock.ts';
const crash = 'test/logical/durable-crash.test.ts';
const files = 'test/logical/durable-file.test.ts';
const behaviour = 'test/logical/durable-hybrid-clock.test.ts';
const locks = 'test/logical/durable-lock.test.ts';

export const mutants: Mutant[] = [
  {
    id: 'durable: bytes not synced before the rename',
    file,
    find: "yield ['fsync', file];",
    replace: '',
    test: crash,
  },
  {
    id: 'durable: directory not synced after the rename',
    file,
    find: "yield ['fsync', directory];",
    replace: '',
    test: crash,
  },
  {
    id: 'durable: the ceiling is used before it is on the disk (background)',
    file: clock,
    find: 'try {\n      if (await this.#file.write(ceilingNs))',
    replace: 'this.ceilingNs = ceilingNs;\n    try {\n      if (await this.#file.write(ceilingNs))',
    test: crash,
  },
  {
    id: 'durable: handed out without waiting for the urgent write',
    file: clock,
    find: 'this.#file.writeNow(this.#window.above(needed));',
    replace: 'void this.#file.write(this.#window.above(needed)); this.ceilingNs = needed; return;',
    test: crash,
  },
  {
    id: 'durable: an overtaken background write renames all the same',
    file,
    find: 'if (overtaken()) return false;\n  yield',
    replace: 'yield',
    test: files,
    name: 'after a crash',
  },
  {
    id: 'durable: time passes between the look whether it was overtaken and the rename',
    file,
    find: "call[0] === 'rename' ? this.#disk.now(call) : await",
    replace: 'await',
    test: files,
    name: 'after a crash',
  },
  {
    id: 'durable: a restart trusts the wall clock',
    file: clock,
    find: 'after: after > storedNs ? after : storedNs',
    replace: 'after',
    test: crash,
  },
  {
    id: 'durable: close does not wait for the write under way',
    file: clock,
    find: 'await this.#renewal; //',
    replace: '//',
    test: behaviour,
    name: 'close',
  },
  {
    id: 'durable: an unreadable file is a first start',
    file,
    find: "if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {",
    replace: 'if (false as boolean) {',
    test: behaviour,
    name: 'unreadable',
  },
  {
    id: 'durable: the checksum is not looked at',
    file,
    find: "if (!Buffer.from(encodeCeiling(ceilingNs)).equals(bytes)) return 'checksum';",
    replace: '',
    test: files,
    name: 'one bit flipped',
  },
  {
    id: 'durable: a failed write raises the ceiling all the same',
    file: clock,
    find: 'this.#failed(error);\n      throw error;',
    replace: 'this.#failed(error);',
    test: crash,
  },
  {
    id: 'durable: close leaves the ceiling low while the clock goes on',
    file: clock,
    find: 'this.ceilingNs = last; //',
    replace: '//',
    test: behaviour,
    name: 'refuses every timestamp',
  },
  {
    id: 'durable: the ceiling is exclusive in one place and inclusive in the other',
    file: clock,
    find: 'this.ceilingNs = this.#file.ceilingNs!;',
    replace: 'this.ceilingNs = this.#file.ceilingNs! + 1n;',
    test: behaviour,
    name: 'under the ceiling',
  },
  {
    id: 'durable: open does not wait for physical time',
    file: clock,
    find: 'await window.waitUntilPast(storedNs);',
    replace: '0n;',
    test: behaviour,
    name: 'waits',
  },
  {
    id: 'durable: open waits for as long as it takes',
    file: clock,
    find: 'if (leftNs <= 0n) return behindNs;',
    replace: '',
    test: behaviour,
    name: 'starts ahead',
  },
  {
    id: 'durable: a lock that is taken is reported as no lock to be had',
    file: lock,
    find: "status === 1 && complaint === ''",
    replace: 'false as boolean',
    test: locks,
    name: 'second',
  },
  {
    id: 'durable: a link to a file yet to be made has a lock of its own',
    file,
    find: "const target = (await disk.later(['readlink', own])) as string;",
    replace: "if (own !== '') return own;\n      const target = '';",
    test: locks,
    name: 'yet to be made',
  },
  {
    id: 'durable: no lock counts as a lock',
    file: lock,
    find: 'if (status === 0) resolve();',
    replace: 'if (status !== null) resolve();',
    test: locks,
    name: 'second',
  },
];
