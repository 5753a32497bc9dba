/** UDP sockets for addresses that are resolved already. */
import { createSocket, type Socket } from 'node:dgram';

/** An unbound socket of the family of `address`, an IP address. */
export function udpSocket(address: string): Socket {
  return createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', lookup: noLookup });
}

/** A socket that listens on `address` and `port`; rejects with the system's error. */
export async function listenOn(address: string, port: number): Promise<Socket> {
  const socket = udpSocket(address);
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', onError);
    socket.bind(port, address, () => {
      socket.off('error', onError);
      resolve();
    });
  });
  return socket;
}

/** Returns the address unchanged, because a real lookup would only delay a send after its stamp. */
function noLookup(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, address.includes(':') ? 6 : 4);
}
