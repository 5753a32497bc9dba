import type { Mutant } from '../../tools/mutants/mutant.ts';

const FASTIFY = 'src/integrations/fastify.ts';
const EXPRESS = 'src/integrations/express.ts';
const HONO = 'src/integrations/hono.ts';
const FETCH = 'src/integrations/fetch.ts';
const UNDICI = 'src/integrations/undici.ts';
const STAMPED = 'src/integrations/stamped-headers.ts';
const GRPC = 'src/integrations/grpc.ts';
const CHAIN = 'test/integrations/services/chain.test.ts';
const HTTP = 'test/integrations/services/http.test.ts';
const CLIENTS = 'test/integrations/services/clients.test.ts';

export const mutants: Mutant[] = [
  {
    id: 'services-fastify-receive-skipped',
    file: FASTIFY,
    find: 'request.hlc = receive(settings, request.headers, request);',
    replace: 'request.hlc = receive(settings, {}, request);',
    test: CHAIN,
    name: 'Fastify and fetch cause is stamped before effect',
  },
  {
    id: 'services-fastify-reply-header-missing',
    file: FASTIFY,
    find: 'send(settings, { get() {}, set: (name, value) => reply.header(name, value) });',
    replace: 'void [send, reply];',
    test: CHAIN,
    name: 'Fastify and fetch cause is stamped before effect',
  },
  {
    id: 'services-fastify-encapsulated',
    file: FASTIFY,
    find: "  [Symbol.for('skip-override')]: true,\n",
    replace: '',
    test: HTTP,
    name: 'Fastify every reply is stamped',
  },
  {
    id: 'services-fastify-throws-at-once',
    file: FASTIFY,
    find: 'async function plugin(',
    replace: 'function plugin(',
    test: HTTP,
    name: 'Fastify wrong options',
  },
  {
    id: 'services-fastify-trust-judges-headers',
    file: FASTIFY,
    find: 'receive(settings, request.headers, request);',
    replace: 'receive(settings, request.headers, request.headers);',
    test: HTTP,
    name: 'Fastify trust judges the request',
  },
  {
    id: 'services-express-receive-skipped',
    file: EXPRESS,
    find: 'receive(settings, req.headers, req);',
    replace: 'receive(settings, {}, req);',
    test: CHAIN,
    name: 'Express and undici cause is stamped before effect',
  },
  {
    id: 'services-express-stamped-before-the-handler',
    file: EXPRESS,
    find: '    const { writeHead } = res;\n',
    replace:
      '    const { writeHead } = res;\n    send(settings, { get() {}, set: (name, value) => res.setHeader(name, value) });\n    if (writeHead) return next();\n',
    test: HTTP,
    name: 'Express the reply covers what the handler has stamped',
  },
  {
    id: 'services-express-writeHead-returns-nothing',
    file: EXPRESS,
    find: 'return res.writeHead(...args);',
    replace: 'res.writeHead(...args);',
    test: HTTP,
    name: 'Express a header that cannot be set',
  },
  {
    id: 'services-hono-receive-skipped',
    file: HONO,
    find: 'receive(settings, c.req.raw.headers, c)',
    replace: 'receive(settings, {}, c)',
    test: CHAIN,
    name: 'Hono and fetch cause is stamped before effect',
  },
  {
    id: 'services-hono-stamped-before-the-handler',
    file: HONO,
    find: '    await next();\n    send(settings, { get() {}, set: (name, value) => c.header(name, value) });\n',
    replace:
      '    send(settings, { get() {}, set: (name, value) => c.header(name, value) });\n    await next();\n',
    test: CHAIN,
    name: 'Hono and fetch cause is stamped before effect',
  },
  {
    id: 'services-fetch-reply-skipped',
    file: FETCH,
    find: '    receive(settings, response.headers, response);\n',
    replace: '',
    test: CHAIN,
    name: 'Fastify and fetch cause is stamped before effect',
  },
  {
    id: 'services-fetch-send-skipped',
    file: FETCH,
    find: '    send(settings, headers);\n',
    replace: '',
    test: CHAIN,
    name: 'Fastify and fetch cause is stamped before effect',
  },
  {
    id: 'services-fetch-headers-of-a-request-lost',
    file: FETCH,
    find: ' ?? (input as Partial<Request>).headers',
    replace: '',
    test: CLIENTS,
    name: 'fetch leaves a Request as it is',
  },
  {
    id: 'services-handler-reply-not-copied',
    file: FETCH,
    find: 'response = new Response(response.body, response);',
    replace: 'void response.body;',
    test: HTTP,
    name: 'whose headers cannot be changed is copied',
  },
  {
    id: 'services-undici-reply-skipped',
    file: UNDICI,
    find: 'if (status >= 200) receive(settings, headers, request);',
    replace: '',
    test: CHAIN,
    name: 'Express and undici cause is stamped before effect',
  },
  {
    id: 'services-undici-hints-taken-for-the-reply',
    file: UNDICI,
    find: 'if (status >= 200) receive',
    replace: 'receive',
    test: CLIENTS,
    name: '103 is not the reply yet',
  },
  {
    id: 'services-undici-old-stamp-stays',
    file: STAMPED,
    find: '.toLowerCase() !== settings.header',
    replace: ' !== settings.header',
    test: CLIENTS,
    name: 'headers as a flat array',
  },
  {
    id: 'services-undici-headers-of-the-caller-changed',
    file: STAMPED,
    find: 'const copy = { ...headers };',
    replace: 'const copy = headers as Record<string, unknown>;',
    test: CLIENTS,
    name: 'headers as an object',
  },
  {
    id: 'services-undici-error-dropped',
    file: UNDICI,
    find: 'handler.onResponseError?.(controller, error),',
    replace: 'void [handler, controller, error],',
    test: CLIENTS,
    name: 'undici what is reported reaches the handler',
  },
  {
    id: 'services-grpc-receive-skipped',
    file: GRPC,
    find: "metadata.setOpaque?.('hlc', receive(settings, metadata, call));",
    replace: '',
    test: CHAIN,
    name: 'gRPC cause is stamped before effect',
  },
  {
    id: 'services-grpc-errors-unstamped',
    file: GRPC,
    find: 'status.metadata ?? noMetadata();',
    replace: 'status.metadata;',
    test: CLIENTS,
    name: 'gRPC an error is a reply too',
  },
  {
    id: 'services-grpc-end-of-the-reply-skipped',
    file: GRPC,
    find: 'if (metadata?.get(settings.header)[0] !== undefined) receive(settings, metadata, call);',
    replace: 'void metadata;',
    test: CLIENTS,
    name: 'gRPC an error is a reply too',
  },
  {
    id: 'services-grpc-absent-counted-without-a-reply',
    file: GRPC,
    find: 'if (metadata?.get(settings.header)[0] !== undefined) receive',
    replace: 'if (metadata) receive',
    test: CLIENTS,
    name: 'no server at all',
  },
  {
    id: 'services-grpc-metadata-of-the-caller-changed',
    file: GRPC,
    find: 'const copy = metadata.clone();',
    replace: 'const copy = metadata;',
    test: CLIENTS,
    name: 'metadata that a caller uses again',
  },
];
