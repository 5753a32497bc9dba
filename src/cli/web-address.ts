/** Where `watch --web` serves its page: `--web`, `--web 8080`, `--web=192.0.2.7:8080`. */

export interface WebAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The port was not asked for, so another one will do if it is taken. */
  readonly anyPort: boolean;
}

const LOOPBACK = '127.0.0.1';
/** Free on most machines, and always the same, so that an open page finds its server again. */
const DEFAULT_PORT = 1230;

/** A port alone, or with a host before it. A word without a port is a source. */
const ADDRESS = /^(?:(\[[0-9a-f:.]+\]|[0-9a-z._-]+)?:)?(\d{1,5})$/i;

/** Whether `word` is an address behind an option whose value may be left out. */
export const isAddress = (word: string): boolean => ADDRESS.test(word);

/**
 * The arguments with a value for each option whose value may be left out, because Node's parser
 * knows no such options. The word after the option is its value if it looks like one. Otherwise the
 * value is empty.
 *
 * @param options by name, such as `--web`, whether a word looks like its value
 */
export function withOptionalValues(
  args: readonly string[],
  options: Readonly<Record<string, (word: string) => boolean>>,
): string[] {
  const all: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [word, next] = [args[i]!, args[i + 1]];
    if (word === '--') return [...all, ...args.slice(i)];
    if (!Object.hasOwn(options, word)) all.push(word);
    else if (next !== undefined && options[word]!(next)) all.push(`${word}=${args[++i]}`);
    else all.push(`${word}=`);
  }
  return all;
}

/** The address that `text` names; the default for an empty text, `undefined` for nonsense. */
export function parseWebAddress(text: string): WebAddress | undefined {
  if (text === '') return { host: LOOPBACK, port: DEFAULT_PORT, anyPort: true };
  const address = parseAddress(text);
  return address && { ...address, anyPort: false };
}

/** A port, host:port or [v6]:port to listen at; `undefined` for anything else. */
export function parseAddress(text: string): Omit<WebAddress, 'anyPort'> | undefined {
  const match = ADDRESS.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return undefined;
  const host = (match[1] ?? LOOPBACK).replace(/^\[(.*)\]$/, '$1');
  return { host, port };
}
