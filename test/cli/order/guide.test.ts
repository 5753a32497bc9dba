/** The guide, executed: its files are written, its commands run, and must print what it shows. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { file, folder, useFolder } from './command.ts';

useFolder();

const CLI = new URL('../../../dist/cli.js', import.meta.url).pathname;
const page = readFileSync(new URL('../../../docs/guides/order-logs.md', import.meta.url), 'utf8');

const files = [...page.matchAll(/^`(\w+\.ndjson)`:\n\n```json\n(.*?)```/gms)];
const commands = [...page.matchAll(/^```console\n\$ npx epsilon-clock ([^\n]*)\n(.*?)```/gms)];

test('has three logs and six commands', () => {
  expect(files).toHaveLength(3);
  expect(commands).toHaveLength(6);
});

test.each(commands.map(([, command, shown]) => [command!, shown!]))(
  'epsilon-clock %s',
  (command, shown) => {
    for (const [, name, content] of files) file(name!, content!);
    const { stdout, stderr } = spawnSync(process.execPath, [CLI, ...command.split(' ')], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stdout + stderr).toBe(shown);
  },
);

test('what it says of sorting by time is true: the charge stands above the order', () => {
  const lines = files.flatMap(([, , content]) =>
    content!
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each)),
  );
  const messages = lines.sort((a, b) => a.time - b.time).map(({ msg }) => msg);
  expect(messages.indexOf('charged')).toBeLessThan(messages.indexOf('POST /orders'));
});
