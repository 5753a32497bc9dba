/**
 * IP addresses, as far as the identity of a server and good manners need them.
 *
 * *Identity*: two names that lead to one address are one vote, so each address needs one spelling. The
 * URL parser of the platform has the canonical form of IPv6 (RFC 5952); an IPv4-mapped address is the
 * IPv4 server it maps. *Manners*: a public server must not be polled like one of our own.
 */

/** Four decimal numbers without leading zeros (which some resolvers read as octal). */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** The one spelling of an IP address (IPv6 with its zone, if any), or `undefined` for anything else. */
export function canonicalAddress(text: string): string | undefined {
  if (IPV4.test(text)) return text;
  const zoneAt = text.indexOf('%');
  const zone = zoneAt < 0 ? '' : text.slice(zoneAt);
  const address = zoneAt < 0 ? text : text.slice(0, zoneAt);
  if (!/^[0-9a-fA-F:.]+$/.test(address) || !URL.canParse(`http://[${address}]`)) return undefined;
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical + zone;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** Whether a canonical address names this machine. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/**
 * Whether a canonical address is out in the world: not loopback, private (RFC 1918, RFC 4193), carrier's
 * shared space (RFC 6598) or link-local.
 */
export function isPublic(address: string): boolean {
  if (isLoopback(address)) return false;
  const [a, b] = address.split('.').map(Number);
  if (a === undefined || b === undefined) return !/^f(?:[cd]|e[89ab])/.test(address);
  return !(
    a === 10 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  );
}

/** `ntp://10.0.0.7:123`, `ntp://[2001:db8::7]:123`, `ntp://time.example.net:123`. */
export function ntpUrl(host: string, port: number): string {
  return `ntp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
