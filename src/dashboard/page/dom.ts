/**
 * Elements of the page. All text goes in as text nodes, never as HTML: names of sources come from
 * outside and may contain anything.
 */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function byId<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Element as T;
}

/** A new HTML element. An attribute that is `undefined` or false is left out. */
export function element(
  name: string,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, String(value));
  }
  made.append(...children);
  return made;
}

/** A new SVG element. */
export function svg(name: string, attributes: Attributes, ...children: readonly Node[]): Element {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** Sets the text of an element, if it differs: so a screen reader hears what changed only. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A text that only screen readers get. */
export const unseen = (text: string): HTMLElement => element('span', { class: 'unseen' }, text);
