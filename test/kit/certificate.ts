import { generate } from 'selfsigned';

/** A private key and its certificate, in PEM. The certificate is its own root. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const DAY_MS = 86_400_000;

/**
 * A certificate for `names` and the loopback address 127.0.0.1, valid from yesterday until
 * tomorrow, or shifted by `shiftDays`.
 */
export async function certificateFor(
  names: readonly string[],
  {
    shiftDays = 0,
    addresses = ['127.0.0.1'],
  }: { readonly shiftDays?: number; readonly addresses?: readonly string[] } = {},
): Promise<Certificate> {
  const nowMs = Date.now() + shiftDays * DAY_MS;
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'nts.test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(nowMs + DAY_MS),
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map((value) => ({ type: 2 as const, value })),
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { key, cert };
}
