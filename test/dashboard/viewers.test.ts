/** Streams to pages: a slow one costs one message, and there are not too many. */
import { expect, test } from 'vitest';
import { eventText, MAX_VIEWERS, type Sink, Viewers } from '../../src/dashboard/viewers.ts';

/** A stream whose room the test decides. */
class Pipe implements Sink {
  readonly written: string[] = [];
  hasRoom = true;
  ending: 'open' | 'ended' | 'aborted' = 'open';

  write(text: string): boolean {
    this.written.push(text);
    return this.hasRoom;
  }

  end(): void {
    this.ending = 'ended';
  }

  abort(): void {
    this.ending = 'aborted';
  }
}

test('each stream gets the welcome, then every message', () => {
  const viewers = new Viewers();
  const pipes = [new Pipe(), new Pipe()];
  for (const pipe of pipes) viewers.add(pipe, 'welcome');
  viewers.send('1');
  viewers.send('2');
  for (const { written } of pipes) expect(written).toEqual(['welcome', '1', '2']);
});

test('a stream without room gets the newest message once it has room, and none between', () => {
  const viewers = new Viewers();
  const [slow, quick] = [new Pipe(), new Pipe()];
  viewers.add(slow, 'welcome');
  viewers.add(quick, 'welcome');
  slow.hasRoom = false;
  for (let i = 1; i <= 20; i++) viewers.send(String(i));
  expect(slow.written).toEqual(['welcome', '1']);
  expect(quick.written).toHaveLength(21);
  slow.hasRoom = true;
  viewers.drained(slow);
  expect(slow.written).toEqual(['welcome', '1', '20']);
  viewers.send('21');
  expect(slow.written).toEqual(['welcome', '1', '20', '21']);
});

test('a stream that is blocked by the welcome waits, and nothing is sent twice', () => {
  const viewers = new Viewers();
  const pipe = new Pipe();
  pipe.hasRoom = false;
  viewers.add(pipe, 'welcome');
  viewers.send('1');
  viewers.drained(pipe);
  viewers.drained(pipe);
  expect(pipe.written).toEqual(['welcome', '1']);
});

test('a stream that nobody reads is cut off', () => {
  const viewers = new Viewers();
  const pipe = new Pipe();
  pipe.hasRoom = false;
  viewers.add(pipe, 'welcome');
  for (let i = 0; i < 29; i++) viewers.send('x');
  expect(pipe.ending).toBe('open');
  for (let i = 0; i < 5; i++) viewers.send('x');
  expect(pipe.ending).toBe('aborted');
  expect(pipe.written).toEqual(['welcome']);
  expect(viewers.size).toBe(0);
});

test('there are at most 20; one that leaves makes place', () => {
  const viewers = new Viewers();
  const pipes = Array.from({ length: MAX_VIEWERS }, () => new Pipe());
  for (const pipe of pipes) {
    expect(viewers.full).toBe(false);
    viewers.add(pipe, '');
  }
  expect(viewers.full).toBe(true);
  viewers.remove(pipes[3]!);
  expect(viewers.full).toBe(false);
});

test('the end ends every stream, also one that comes later', () => {
  const viewers = new Viewers();
  const [early, late] = [new Pipe(), new Pipe()];
  viewers.add(early, '');
  viewers.endAll();
  viewers.add(late, '');
  expect([early.ending, late.ending]).toEqual(['ended', 'ended']);
  expect(viewers.size).toBe(0);
});

test('a stream may end while it is written to', () => {
  const viewers = new Viewers();
  const leaving = new Pipe();
  const other = new Pipe();
  viewers.add(leaving, '');
  viewers.add(other, '');
  leaving.write = () => {
    viewers.remove(leaving);
    return true;
  };
  viewers.send('1');
  expect(other.written).toEqual(['', '1']);
  expect(viewers.size).toBe(1);
});

test('without news there is a comment every 15 s', () => {
  const viewers = new Viewers();
  const pipe = new Pipe();
  viewers.add(pipe, '');
  for (let i = 0; i < 45; i++) viewers.idle();
  expect(pipe.written).toEqual(['', ': alive\n\n', ': alive\n\n', ': alive\n\n']);
});

test('an event is one line of data, whatever is in it', () => {
  const text = eventText('frame', { name: 'a\n\ndata: b\r', at: 5n }, '7');
  expect(text).toBe('id: 7\nevent: frame\ndata: {"name":"a\\n\\ndata: b\\r","at":"5"}\n\n');
});
