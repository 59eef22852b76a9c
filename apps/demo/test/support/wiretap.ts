import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request and its answer, whole. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly requestHeaders: IncomingHttpHeaders;
  readonly requestBody: string;
  readonly status: number;
  readonly answerHeaders: IncomingHttpHeaders;
  readonly answerBody: string;
}

export interface WiretapOptions {
  /** The port of this machine that requests without a host of their own go to. None: it is a browser's proxy. */
  readonly targetPort?: number;
  /** Headers put on the answers of a URL. */
  readonly addHeaders?: (url: URL) => Readonly<Record<string, string>>;
}

/** A relay that writes down every byte that passes. */
export interface Wiretap {
  readonly port: number;
  readonly exchanges: readonly Exchange[];
  close(): Promise<void>;
}

/** Starts a relay on a free port: in front of one server, or as the HTTP proxy of a browser. Every host is this machine. */
export async function startWiretap({
  targetPort,
  addHeaders = () => ({}),
}: WiretapOptions): Promise<Wiretap> {
  const exchanges: Exchange[] = [];

  const relay = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const requestBody = await read(incoming);
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`);
    const { 'accept-encoding': _compressed, 'proxy-connection': _hop, ...headers } = incoming.headers;
    const outgoing = request({
      host: '127.0.0.1',
      port: targetPort ?? Number(url.port),
      method: incoming.method,
      path: `${url.pathname}${url.search}`,
      headers,
      agent: false,
    });
    answer.once('close', () => outgoing.destroy());
    outgoing.once('error', () => incoming.socket.destroy());
    outgoing.once('response', async (answered) => {
      const answerBody = await read(answered).catch(() => null);
      if (answerBody === null) return incoming.socket.destroy();
      exchanges.push({
        method: incoming.method ?? '',
        url: url.href,
        requestHeaders: incoming.headers,
        requestBody: requestBody.toString('latin1'),
        status: answered.statusCode ?? 0,
        answerHeaders: answered.headers,
        answerBody: answerBody.toString('latin1'),
      });
      const { 'transfer-encoding': _chunked, connection: _kept, ...passedOn } = answered.headers;
      answer.writeHead(answered.statusCode ?? 502, { ...passedOn, ...addHeaders(url) });
      answer.end(answerBody);
    });
    outgoing.end(requestBody);
  };

  const server = createServer((incoming, answer) => {
    relay(incoming, answer).catch(() => incoming.socket.destroy());
  });
  // A tunnel (HTTPS, WebSocket) could not be looked into: none is dug.
  server.on('connect', (_incoming, socket) => {
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    exchanges,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
