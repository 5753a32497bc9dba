/**
 * IP addresses: when two spellings name one server, and which servers are public.
 *
 * *Identity*: two spellings of one address are one vote, so each address has one spelling here. The
 * URL parser of the platform gives the canonical form of IPv6 (RFC 5952). Four rules come on top:
 *
 * - An IPv4-mapped address (`::ffff:10.0.0.7`) is the IPv4 server that it maps.
 * - The unspecified address (`0.0.0.0`, `::`) is this machine: a socket that connects to it reaches
 *   the loopback address.
 * - A zone (`%eth0`) selects a network interface, and only a link-local address needs one. On any
 *   other address it changes nothing and is dropped.
 * - An interface has a name and an index, and a zone may be either. Only the operating system knows
 *   which name has which index ({@link ZoneSpelling}).
 *
 * *Politeness*: a public server must not be polled as often as one of our own.
 */

/** Returns the one spelling of a zone that is the name or the index of an interface. */
export type ZoneSpelling = (zone: string) => string;

/** Four decimal numbers without leading zeros, which some resolvers read as octal. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
/** A zone: printable ASCII without the characters that end an address in a URL or a list. */
const ZONE = /^[\w.:~+-]{1,64}$/;
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/;
const UNIQUE_LOCAL = /^f[cd][0-9a-f]{2}:/;

/**
 * The one spelling of an IP address, or `undefined` for anything else. A link-local IPv6 address
 * keeps its zone, in the spelling of `zoneSpelling`.
 */
export function canonicalAddress(
  text: string,
  zoneSpelling: ZoneSpelling = (zone) => zone,
): string | undefined {
  if (IPV4.test(text)) return text === '0.0.0.0' ? '127.0.0.1' : text;
  const [address, zone] = splitZone(text);
  if (zone !== undefined && !ZONE.test(zone)) return undefined;
  if (!/^[0-9a-fA-F:.]+$/.test(address) || !URL.canParse(`http://[${address}]`)) return undefined;
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  if (canonical === '::') return '::1';
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped !== null) {
    const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
    return canonicalAddress(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
  }
  if (zone === undefined || !LINK_LOCAL.test(canonical)) return canonical;
  return `${canonical}%${zoneSpelling(zone)}`;
}

/** Whether an address names this machine. */
export function isLoopback(address: string): boolean {
  const [bare] = splitZone(address);
  return bare.startsWith('127.') || bare === '::1';
}

/**
 * Whether a canonical address is on the public internet: not loopback, private (RFC 1918, RFC
 * 4193), carrier's shared space (RFC 6598) or link-local.
 */
export function isPublic(address: string): boolean {
  const [bare] = splitZone(address);
  if (isLoopback(bare)) return false;
  if (bare.includes(':')) return !LINK_LOCAL.test(bare) && !UNIQUE_LOCAL.test(bare);
  const [a, b] = bare.split('.').map(Number) as [number, number];
  return !(
    a === 10 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  );
}

/** The URL of an NTP server: `ntp://10.0.0.7:123`, `ntp://[2001:db8::7]:123`. */
export function ntpUrl(host: string, port: number): string {
  return serverUrl('ntp', host, port);
}

/** The URL of a server: `ntp://time.example.net:123`, `nts://[2001:db8::7]:4460`. */
export function serverUrl(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The address, and the text after its first `%`. */
function splitZone(text: string): [address: string, zone: string | undefined] {
  const at = text.indexOf('%');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
