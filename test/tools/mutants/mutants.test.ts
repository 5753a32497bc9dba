/** Each fault can be planted. This takes seconds; running all mutants takes minutes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './lane.ts';
import { mutantLists } from './lists.ts';
import { plant } from './plant.ts';

const lists = await mutantLists();
const all = lists.flatMap(({ mutants }) => mutants);

test('there are some in every folder of tests that has a folder of src', () => {
  expect(lists.length).toBeGreaterThan(10);
  expect(all.length).toBeGreaterThan(300);
});

test('no id is used twice', () => {
  const ids = all.map(({ id }) => id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test.each(lists)('every fault of $file finds its place, and its test', ({ mutants }) => {
  const problems = mutants.flatMap(({ id, file, find, replace, test: witness }) => {
    if (!existsSync(join(ROOT, witness))) return [`${id}: there is no ${witness}`];
    if (!existsSync(join(ROOT, file))) return [`${id}: there is no ${file}`];
    const planted = plant(readFileSync(join(ROOT, file), 'utf8'), find, replace);
    if ('problem' in planted) return [`${id}: in ${file} ${planted.problem}`];
    return planted.text === readFileSync(join(ROOT, file), 'utf8')
      ? [`${id}: changes nothing`]
      : [];
  });
  expect(problems).toEqual([]);
});

describe('plant', () => {
  const source = 'const a = f(\n  one,\n  two,\n);\nconst b = 2;\n';

  test('white space does not count', () => {
    expect(plant(source, 'f(one, two,)', 'g()')).toEqual({
      text: 'const a = g();\nconst b = 2;\n',
    });
  });

  test('a missing text names the nearest line; a text that occurs twice is refused', () => {
    expect(plant(source, 'const b = 3;', '')).toEqual({
      problem: 'its text is not there; the nearest line is 5: const b = 2;',
    });
    expect(plant(source, 'const', 'let')).toEqual({ problem: 'its text is there more than once' });
    expect(plant(source, ' \n', 'let')).toHaveProperty('problem');
  });
});
