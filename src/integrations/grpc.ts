/**
 * Timestamps through services of `@grpc/grpc-js`.
 *
 * A call has metadata at its beginning, in both directions, and at its end, from the server. The
 * server stamps both of its own: an error may have no beginning, and the end of a stream comes long
 * after its beginning. The messages of a stream have no headers; put a stamp into the message where
 * it matters.
 *
 * The interceptors change methods of the call that they are given, and return it. The class that
 * grpc-js has for this would have to be imported.
 */
import { type PropagationOptions, type Settings, settingsOf } from '../propagation/options.ts';
import { receive, send } from '../propagation/propagation.ts';
import { ArgumentRangeError } from '../time/errors.ts';

/** Metadata of gRPC. */
export interface GrpcMetadata {
  /** All values of a name. */
  get(name: string): unknown[];
  /** Replaces all values of a name. */
  set(name: string, value: string): void;
  /** A copy. */
  clone(): GrpcMetadata;
  /** Keeps a value that is not sent. Absent in old versions. */
  setOpaque?(key: string, value: unknown): void;
}

/** Who is on the other side of a call. */
export interface GrpcPeer {
  /** The address. */
  getPeer(): string;
}

/** How a call ended. */
export interface GrpcStatus {
  /** The metadata of the end. */
  readonly metadata?: GrpcMetadata | null | undefined;
}

/** What a client hears of its call. */
export interface GrpcClientListener {
  /** The metadata of the beginning. */
  onReceiveMetadata(metadata: GrpcMetadata): void;
  /** A message. */
  onReceiveMessage(message: unknown): void;
  /** The end. */
  onReceiveStatus(status: GrpcStatus): void;
}

/** A call of a client. */
export interface GrpcClientCall extends GrpcPeer {
  /** Begins the call. */
  start(metadata: GrpcMetadata, listener?: Partial<GrpcClientListener>): void;
}

/** What a server hears of a call. */
export interface GrpcServerListener {
  /** The metadata of the beginning. */
  onReceiveMetadata(metadata: GrpcMetadata): void;
  /** A message. */
  onReceiveMessage(message: unknown): void;
  /** The client has sent all. */
  onReceiveHalfClose(): void;
  /** The call was cancelled. */
  onCancel(): void;
}

/** A call at a server. */
export interface GrpcServerCall extends GrpcPeer {
  /** Begins to listen. */
  start(listener: GrpcServerListener): void;
  /** Sends the metadata of the beginning. */
  sendMetadata(metadata: GrpcMetadata): void;
  /** Ends the call. */
  sendStatus(status: GrpcStatus): void;
}

/**
 * An interceptor of gRPC clients: stamps each call, and takes the timestamps of the reply's
 * metadata, at its beginning and at its end.
 *
 * `trust` is given the call: `getPeer()` and `getAuthContext()` say who answers.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault. A name that ends in
 *   `-bin` has binary values in gRPC, so `header` must not
 * @example
 * const interceptors = [hlcClientInterceptor({ hlc, trust: true })];
 * // new OrdersClient('orders:443', credentials, { interceptors })
 */
export function hlcClientInterceptor(
  options: PropagationOptions<GrpcPeer>,
): <Options, Call>(options: Options, nextCall: (options: Options) => GrpcClientCall) => Call {
  const settings = grpcSettings(options);
  return (options, nextCall) => {
    const call = nextCall(options);
    const start = call.start.bind(call);
    call.start = (metadata, listener) =>
      start(stamped(settings, metadata), {
        onReceiveMetadata(metadata) {
          receive(settings, metadata, call);
          listener?.onReceiveMetadata?.(metadata);
        },
        onReceiveMessage(message) {
          listener?.onReceiveMessage?.(message);
        },
        onReceiveStatus(status) {
          // A call that never reached a server has a status too, so do not count an absent header.
          const { metadata } = status;
          if (metadata?.get(settings.header)[0] !== undefined) receive(settings, metadata, call);
          listener?.onReceiveStatus?.(status);
        },
      });
    return call as never;
  };
}

/**
 * An interceptor of gRPC servers: takes the timestamp of each call, and stamps the metadata of the
 * reply, at its beginning and at its end. What came of the receipt is
 * `call.metadata.getOpaque('hlc')`, where the version of grpc-js has that method.
 *
 * `trust` is given the call: `getPeer()` and `getAuthContext()` say who calls.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault. A name that ends in
 *   `-bin` has binary values in gRPC, so `header` must not
 * @example
 * import { Server } from '@grpc/grpc-js';
 * const server = new Server({ interceptors: [hlcServerInterceptor({ hlc, trust: true })] });
 */
export function hlcServerInterceptor(
  options: PropagationOptions<GrpcPeer>,
): <Call>(method: unknown, call: GrpcServerCall) => Call {
  const settings = grpcSettings(options);
  return (_method, call) => {
    const start = call.start.bind(call);
    const sendMetadata = call.sendMetadata.bind(call);
    const sendStatus = call.sendStatus.bind(call);
    let noMetadata = (): GrpcMetadata | undefined => undefined;
    call.start = (listener) =>
      start({
        onReceiveMetadata(metadata) {
          const Metadata = metadata.constructor as new () => GrpcMetadata;
          noMetadata = () => new Metadata();
          metadata.setOpaque?.('hlc', receive(settings, metadata, call));
          listener.onReceiveMetadata(metadata);
        },
        onReceiveMessage(message) {
          listener.onReceiveMessage(message);
        },
        onReceiveHalfClose() {
          listener.onReceiveHalfClose();
        },
        onCancel() {
          listener.onCancel();
        },
      });
    call.sendMetadata = (metadata) => sendMetadata(stamped(settings, metadata));
    call.sendStatus = (status) => {
      const metadata = status.metadata ?? noMetadata();
      sendStatus(metadata ? { ...status, metadata: stamped(settings, metadata) } : status);
    };
    return call as never;
  };
}

function grpcSettings(options: PropagationOptions<GrpcPeer>): Settings {
  const settings = settingsOf(options);
  if (!settings.header.endsWith('-bin')) return settings;
  throw new ArgumentRangeError('header', 'a name that does not end in -bin', settings.header);
}

/** A copy with a new stamp, because callers may use one object for many calls. */
function stamped(settings: Settings, metadata: GrpcMetadata): GrpcMetadata {
  const copy = metadata.clone();
  send(settings, copy);
  return copy;
}
