/**
 * Servers as people write them on a command line: `host`, `host:port`, `[v6]:port`, `[v6]`, and a
 * bare IPv6 address, which is recognised by its two or more colons.
 */

export interface HostSpec {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const NTP_PORT = 123;

/**
 * The host and port that `text` names; `undefined` when it cannot be a host. The default port is
 * NTP's.
 *
 * `[2001:db8::7]:1123` is `{ host: '2001:db8::7', port: 1123 }`.
 */
export function parseHost(text: string, defaultPort: number = NTP_PORT): HostSpec | undefined {
  const bracketed = /^\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\](?::(\d{1,5}))?$/.exec(text);
  if (bracketed !== null) return hostSpec(bracketed[1]!, bracketed[2], defaultPort);
  if (text.indexOf(':') !== text.lastIndexOf(':')) return hostSpec(text, undefined, defaultPort);
  const plain = /^([^:]+)(?::(\d{1,5}))?$/.exec(text);
  return plain === null ? undefined : hostSpec(plain[1]!, plain[2], defaultPort);
}

function hostSpec(
  host: string,
  portText: string | undefined,
  defaultPort: number,
): HostSpec | undefined {
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port < 1 || port > 65_535 || host.length > 253) return undefined;
  // A name has no control or format characters, and a terminal would obey them. A comma is in a
  // list, which is written with spaces.
  if (/[\s,/[\]@?#\p{Cc}\p{Cf}]/u.test(host)) return undefined;
  // The resolver takes a number for an address: 99999, an impossible port, for 0.1.134.159.
  if (/^\d+$/.test(host)) return undefined;
  return { host, port };
}

/** The short form of a source id or name: `ntp://127.0.0.1:123` is `127.0.0.1`. */
export function shortName(id: string): string {
  return id.replace(/^ntp:\/\//, '').replace(/^(\[.*\]|[^:]*):123$/, '$1');
}
