/** The JSON of etcd's gateway: keys and values are base64, int64 are text, and 0 is left out. */

/** What is used of its replies. */
export interface EtcdReply {
  /** In each reply; of a keep-alive it is in `result`. */
  readonly header?: object;
  readonly succeeded?: boolean;
  readonly kvs?: readonly EtcdEntry[];
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: EtcdEntry[] } }[];
  /** Of a grant. */
  readonly ID?: string;
  readonly TTL?: string;
  /** Of a keep-alive. Without `TTL` the lease is gone. */
  readonly result?: { readonly header?: object; readonly TTL?: string };
}

export interface EtcdEntry {
  readonly value?: string;
  readonly mod_revision?: string;
}

/** Sends one request. */
export type EtcdAsk = (path: string, body: object, signal: AbortSignal) => Promise<EtcdReply>;

export function encode(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

export function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}
