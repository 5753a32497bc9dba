/** Text goes into the page as text. A stand-in for the document tells text from HTML. */
import { afterEach, expect, test, vi } from 'vitest';

class StandIn {
  readonly children: unknown[] = [];
  readonly attributes = new Map<string, string>();
  html: string | undefined;

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }
  append(...children: unknown[]): void {
    this.children.push(...children);
  }
  set innerHTML(html: string) {
    this.html = html;
  }
  get textContent(): string {
    return this.children.join('');
  }
  set textContent(text: string) {
    this.children.splice(0, Infinity, text);
  }
}

afterEach(() => void vi.unstubAllGlobals());

const HOSTILE = '<img src=x onerror=alert(1)>';

test('names with HTML in them are text', async () => {
  vi.stubGlobal('document', { createElement: () => new StandIn() });
  // The page has its own compiler settings, so its modules that use the DOM have no types here.
  const path = '../../../src/dashboard/page/dom.ts';
  const { element, setText, unseen } = await import(path);
  const made = element('td', { title: HOSTILE, hidden: false, id: undefined }, HOSTILE);
  expect(made.children).toEqual([HOSTILE]);
  expect([...made.attributes]).toEqual([['title', HOSTILE]]);
  expect(made.html).toBeUndefined();
  setText(made, `${HOSTILE}!`);
  expect([made.textContent, made.html]).toEqual([`${HOSTILE}!`, undefined]);
  expect(unseen(HOSTILE).children).toEqual([HOSTILE]);
});
