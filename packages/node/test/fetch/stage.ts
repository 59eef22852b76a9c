import type { Credential } from '@authpipe/types';
import { Authpipe, type AuthpipeOptions } from '../../src/index.js';
import { type Answer, API_KEY, credential, HttpServer, type Received } from '../http-server.js';
import { ManualClock } from '../manual-clock.js';
import { ApiServer } from './api-server.js';

/** An Authpipe that holds one connection, the API that it is for, and a client of both. */
export class Stage {
  readonly clock = new ManualClock();
  readonly ref = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' } as const;
  /** What Authpipe holds: a test changes it as a refresh would. */
  held: Credential;
  /** What Authpipe does when it is told of a refusal, before it answers. */
  onReport: (request: Received) => Answer | undefined | Promise<Answer | undefined> = () => undefined;

  private constructor(
    readonly authpipe: HttpServer,
    readonly api: ApiServer,
  ) {
    this.held = credential({ credential: 'secret-1', baseUrl: api.origin });
    authpipe.answer = async (request) => {
      if (request.path === '/v1/credentials') return { json: this.held };
      return (await this.onReport(request)) ?? { json: { id: 'conn_1' } };
    };
  }

  static async set(): Promise<Stage> {
    return new Stage(await HttpServer.start(), await ApiServer.start());
  }

  client(options: AuthpipeOptions = {}): Authpipe {
    return new Authpipe({ apiKey: API_KEY, baseUrl: this.authpipe.url, clock: this.clock, ...options });
  }

  /** Gives Authpipe another credential to hold. */
  hold(more: Partial<Credential>): void {
    this.held = credential({ credential: 'secret-1', baseUrl: this.api.origin, ...more });
  }

  /** Has Authpipe hold version 2 from the first report on. */
  renewOnReport(): void {
    this.onReport = () => {
      this.hold({ credential: 'secret-2', version: 2 });
      return undefined;
    };
  }

  /** The bodies of the reports that Authpipe got. */
  get reports(): unknown[] {
    return this.authpipe.requests
      .filter(({ method, path }) => method === 'POST' && path === '/v1/connections/conn_1/report')
      .map(({ body }) => body);
  }

  /** How often Authpipe was asked for a credential. */
  get reads(): number {
    return this.authpipe.requests.filter(({ path }) => path === '/v1/credentials').length;
  }

  async clear(): Promise<void> {
    await Promise.all([this.authpipe.stop(), this.api.stop()]);
  }
}

/** Waits for something that comes about by itself. */
export const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate);
};
