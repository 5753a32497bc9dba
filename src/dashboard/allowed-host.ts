/**
 * Protection from DNS rebinding. A hostile page can have its own name resolve to 127.0.0.1, and its
 * scripts then count as coming from us. But the browser still says that name in the `Host` header.
 * So names are allowed one by one. An IP address cannot be rebound, and `localhost` is never looked
 * up in the network.
 */

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Whether a `Host` header is allowed: `localhost`, an IP address, or one of `names`. */
export function isAllowedHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[0-9a-z._-]{1,253})(?::\d{1,5})?$/i.exec(host ?? '');
  if (match === null) return false;
  const name = match[1]!.toLowerCase().replace(/\.$/, '');
  if (name.startsWith('[') || IPV4.test(name)) return true;
  return name === 'localhost' || name.endsWith('.localhost') || names.has(name);
}
