import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call as the API got it, body and all. */
export interface ApiCall {
  readonly method: string;
  /** With its query, as it came over the wire. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What the API answers; `endless` never ends its body, `hang` never answers. */
export type ApiAnswer =
  | {
      readonly status?: number;
      readonly headers?: Record<string, string | string[]>;
      readonly json?: unknown;
      readonly endless?: boolean;
    }
  | 'hang';

/** A real HTTP server that stands for a provider's API; the test decides each answer. */
export class ApiServer {
  readonly calls: ApiCall[] = [];
  /** Answers whose client went away before their end. */
  cutAnswers = 0;
  answer: (call: ApiCall, nth: number) => ApiAnswer | Promise<ApiAnswer> = () => ({ json: { ok: true } });
  readonly #server: Server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));

  static async start(): Promise<ApiServer> {
    const api = new ApiServer();
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The values of one header, call by call. */
  sent(name: string): (string | undefined)[] {
    return this.calls.map(({ headers }) => headers[name] as string | undefined);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) this.cutAnswers += 1;
    });
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const { method = '', url = '', headers } = incoming;
    const call: ApiCall = { method, path: url, headers, body };
    this.calls.push(call);
    const answer = await this.answer(call, this.calls.length);
    if (answer === 'hang') return;
    outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    if (answer.endless === true) outgoing.write('{');
    else outgoing.end(answer.json === undefined ? '' : JSON.stringify(answer.json));
  }
}
