import type { ConnectedAccount, ConnectionStatus } from '@authpipe/types';
import { jest } from '@jest/globals';
import type { ConnectError } from '../src/connect-error.js';
import { ConnectFlow, type ConnectFlowOptions } from '../src/connect-flow.js';
import type { RedirectReturn } from '../src/redirect-return.js';
import { FakeBrowser, TOKEN } from './fake-browser.js';

/** A flow in a fake browser, with every callback watched. */
export function flowUnderTest(
  options: Partial<ConnectFlowOptions> = {},
  parts: { known?: ConnectionStatus; browser?: FakeBrowser; redirectReturn?: RedirectReturn } = {},
) {
  const { browser = new FakeBrowser(), known = null, redirectReturn } = parts;
  const told = {
    onSuccess: jest.fn<(connection: ConnectedAccount) => void>(),
    onError: jest.fn<(error: ConnectError) => void>(),
    onCancel: jest.fn<() => void>(),
    onAwaitingFinish: jest.fn<(sessionId: string) => void>(),
  };
  const flow = new ConnectFlow({ session: TOKEN, provider: 'okta', ...told, ...options }, known, {
    browser,
    redirectReturn,
  });
  return { flow, browser, ...told, status: () => flow.getSnapshot().status };
}
