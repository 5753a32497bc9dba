/**
 * `epsilon-clock/grpc`: timestamps through services of `@grpc/grpc-js`, which it does not import.
 * Loads without Node.
 *
 * @module
 */
export {
  type GrpcClientCall,
  type GrpcClientListener,
  type GrpcMetadata,
  type GrpcPeer,
  type GrpcServerCall,
  type GrpcServerListener,
  type GrpcStatus,
  hlcClientInterceptor,
  hlcServerInterceptor,
} from './integrations/grpc.ts';
export type { PropagationOptions, Trust } from './propagation/options.ts';
