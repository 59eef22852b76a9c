import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { SessionRequest } from '../src/session-source.js';
import { ACCOUNT, COMPLETE, failedWith, message, SERVER_URL, stateResponse, TOKEN } from './fake-browser.js';
import { flowUnderTest } from './flow-under-test.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a click', () => {
  it('opens the popup at once, before the session is fetched', () => {
    const session = jest.fn(() => new Promise<string>(() => {}));
    const { flow, browser, status } = flowUnderTest({ session });
    flow.connect();
    expect(browser.popups).toHaveLength(1);
    expect(status()).toBe('connecting');
  });

  it('posts the token from inside the popup to the server that the token names, and puts it into no URL', async () => {
    const { flow, browser } = flowUnderTest({ integration: 'okta-eu', connectionId: 'conn_1' });
    flow.connect();
    await browser.advance(0);
    expect(browser.submitted).toEqual([
      {
        from: browser.popup.document,
        action: `${SERVER_URL}/connect`,
        method: 'post',
        fields: { token: TOKEN, integration: 'okta-eu', connection_id: 'conn_1', display: 'popup' },
        referrerPolicy: 'origin',
      },
    ]);
    expect(browser.requests.map(({ url }) => url)).toEqual([`${SERVER_URL}/connect/session`]);
  });

  it('asks the session function only then, and tells it what is to be connected', async () => {
    const session = jest.fn<(request: SessionRequest) => Promise<string>>().mockResolvedValue(TOKEN);
    const { flow, browser } = flowUnderTest({ session, connectionId: 'conn_1' });
    await browser.advance(5);
    expect(session).not.toHaveBeenCalled();
    flow.connect();
    expect(session).toHaveBeenCalledWith({ provider: 'okta', integration: 'okta', connectionId: 'conn_1' });
  });

  it('uses baseUrl where it is given', async () => {
    const { flow, browser } = flowUnderTest({ baseUrl: 'https://other.test/authpipe/' });
    flow.connect();
    await browser.advance(0);
    expect(browser.submitted[0]?.action).toBe('https://other.test/authpipe/connect');
    expect(browser.requests[0]?.url).toBe('https://other.test/authpipe/connect/session');
  });

  it('asks for the status with the session token alone: no cookie, no cache, no redirect', async () => {
    const { flow, browser } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    expect(browser.requests[0]?.init).toMatchObject({
      headers: { Authorization: `Bearer ${TOKEN}` },
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
    });
  });

  it('while a popup is open brings it to the front, and starts nothing else', async () => {
    const { flow, browser } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    flow.connect();
    expect(browser.popups).toHaveLength(1);
    expect(browser.popup.timesFocused).toBe(1);
  });

  it('after the popup looks closed starts anew, and what the first one still brings counts once', async () => {
    const { flow, browser, onSuccess } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    const first = browser.popup;
    first.closed = true;
    await browser.advance(2);
    expect(flow.getSnapshot().windowGone).toBe(true);
    flow.connect();
    expect(flow.getSnapshot().windowGone).toBe(false);
    await browser.advance(0);
    browser.post(message(COMPLETE), { source: first });
    expect(onSuccess).not.toHaveBeenCalled();
    browser.post(message(COMPLETE));
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });
});

describe('the outcome', () => {
  it('is learnt from the message of the hosted page', async () => {
    const { flow, browser, onSuccess, status } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.post(message(COMPLETE));
    expect(onSuccess).toHaveBeenCalledWith(ACCOUNT);
    expect(status()).toBe('connected');
    expect(flow.getSnapshot().connection).toEqual(ACCOUNT);
    expect(browser.popup.closed).toBe(true);
  });

  it('is learnt from the status where no message can arrive', async () => {
    const { flow, browser, onSuccess } = flowUnderTest();
    flow.connect();
    await browser.advance(3);
    browser.answer = () => stateResponse(COMPLETE);
    await browser.advance(1);
    expect(onSuccess).toHaveBeenCalledWith(ACCOUNT);
  });

  it('is told once, though both the message and the status bring it', async () => {
    const { flow, browser, onSuccess } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.answer = () => stateResponse(COMPLETE);
    browser.post(message(COMPLETE));
    browser.post(message(COMPLETE));
    await browser.advance(5);
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('is looked for at once when the person comes back to the page', async () => {
    const { flow, browser, onSuccess } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.answer = () => stateResponse(COMPLETE);
    window.dispatchEvent(new Event('focus'));
    await browser.advance(0);
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('of a pressed Cancel is onCancel, at once, and the state of before', async () => {
    const { flow, browser, onCancel, onError, status } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.post(message(failedWith('cancelled')));
    expect(onCancel).toHaveBeenCalledTimes(1);
    expect(onError).not.toHaveBeenCalled();
    expect(status()).toBe('idle');
  });

  it.each(['access_denied', 'account_mismatch', 'provider_error', 'integration_not_configured'] as const)(
    'of a session that failed with %s is an error of that code, in the words of the server',
    async (code) => {
      const { flow, browser, onError, status } = flowUnderTest();
      flow.connect();
      browser.answer = () => stateResponse(failedWith(code));
      await browser.advance(1);
      expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code, message: `It was ${code}.` }));
      expect(status()).toBe('error');
    },
  );

  it('of a failure leaves the popup open, where the person reads what happened', async () => {
    const { flow, browser } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.post(message(failedWith('access_denied')));
    expect(browser.popup.closed).toBe(false);
  });

  it('of a session that ran out is session_expired', async () => {
    const { flow, browser, onError } = flowUnderTest();
    flow.connect();
    browser.answer = () => stateResponse({ id: 'sess_1', status: 'expired' });
    await browser.advance(1);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'session_expired' }));
  });

  it('waits for the backend where the session has a code challenge, and says so once', async () => {
    const { flow, browser, onAwaitingFinish, onSuccess } = flowUnderTest();
    flow.connect();
    browser.answer = () => stateResponse({ id: 'sess_1', status: 'awaiting_finish' });
    await browser.advance(0);
    browser.popup.close();
    await browser.advance(60);
    expect(onAwaitingFinish.mock.calls).toEqual([['sess_1']]);
    expect(onSuccess).not.toHaveBeenCalled();
    browser.answer = () => stateResponse(COMPLETE);
    await browser.advance(1);
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('is still learnt when a callback of the app threw on the way', async () => {
    const fault = new Error('a fault of the app');
    const onAwaitingFinish = () => {
      throw fault;
    };
    const { flow, browser, onSuccess } = flowUnderTest({ onAwaitingFinish });
    flow.connect();
    await browser.advance(0);
    browser.answer = () => stateResponse({ id: 'sess_1', status: 'awaiting_finish' });
    await browser.advance(1);
    expect(browser.uncaught).toEqual([fault]);
    browser.answer = () => stateResponse(COMPLETE);
    await browser.advance(1);
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('goes to the console when it is an error and nobody listens', async () => {
    const log = jest.spyOn(console, 'error').mockImplementation(() => {});
    const { flow, browser } = flowUnderTest({ onError: undefined });
    flow.connect();
    browser.answer = () => stateResponse(failedWith('provider_error'));
    await browser.advance(1);
    expect(log).toHaveBeenCalledWith(expect.objectContaining({ code: 'provider_error' }));
  });
});

describe('at rest', () => {
  it('shows what the app knows of the connection', () => {
    expect(flowUnderTest().status()).toBe('idle');
    expect(flowUnderTest({}, { known: 'healthy' }).status()).toBe('connected');
    expect(flowUnderTest({}, { known: 'degraded' }).status()).toBe('connected');
    expect(flowUnderTest({}, { known: 'needs_reconnect' }).status()).toBe('needs_reconnect');
  });

  it('follows the app: connected, needs reconnect, disconnected', async () => {
    const { flow, browser, status } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.post(message(COMPLETE));
    flow.setKnownStatus('healthy');
    expect(status()).toBe('connected');
    flow.setKnownStatus('needs_reconnect');
    expect(status()).toBe('needs_reconnect');
    flow.setKnownStatus(null);
    expect(status()).toBe('idle');
    expect(flow.getSnapshot().connection).toBeNull();
  });

  it('keeps what the person just did over what the app knew before', async () => {
    const { flow, browser, status } = flowUnderTest({}, { known: 'needs_reconnect' });
    flow.connect();
    await browser.advance(0);
    flow.setKnownStatus('degraded');
    expect(status()).toBe('connecting');
    browser.post(message(COMPLETE));
    expect(status()).toBe('connected');
  });

  it('tells its listeners of each change, and gives the same snapshot in between', () => {
    const { flow } = flowUnderTest();
    const listener = jest.fn();
    const unsubscribe = flow.subscribe(listener);
    const before = flow.getSnapshot();
    flow.setKnownStatus(null);
    expect(flow.getSnapshot()).toBe(before);
    flow.setKnownStatus('healthy');
    expect(listener).toHaveBeenCalledTimes(1);
    unsubscribe();
    flow.setKnownStatus(null);
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

describe('when it is disposed of', () => {
  it('asks nothing more and tells nobody, and the person may finish in the popup', async () => {
    const { flow, browser, onSuccess, onCancel, onError } = flowUnderTest();
    flow.connect();
    await browser.advance(2);
    const asked = browser.requests.length;
    flow.dispose();
    browser.post(message(COMPLETE));
    browser.answer = () => stateResponse(COMPLETE);
    await browser.advance(60);
    expect(browser.requests).toHaveLength(asked);
    expect(browser.timersWaiting).toBe(0);
    for (const callback of [onSuccess, onCancel, onError]) expect(callback).not.toHaveBeenCalled();
    expect(browser.popup.closed).toBe(false);
  });

  it('closes a popup that is still blank, and a session that comes too late is sent nowhere', async () => {
    let give = (_token: string): void => {};
    const { flow, browser, onCancel } = flowUnderTest({
      session: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    });
    flow.connect();
    flow.dispose();
    expect(browser.popup.closed).toBe(true);
    give(TOKEN);
    await browser.advance(5);
    expect(browser.submitted).toEqual([]);
    expect(onCancel).not.toHaveBeenCalled();
  });

  it('leaves no listener on the page', async () => {
    const added = jest.spyOn(window, 'addEventListener');
    const removed = jest.spyOn(window, 'removeEventListener');
    const { flow, browser } = flowUnderTest();
    flow.connect();
    await browser.advance(2);
    flow.dispose();
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls).toEqual(added.mock.calls);
  });

  it('can be used again', async () => {
    const { flow, browser, onSuccess } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    flow.dispose();
    flow.connect();
    await browser.advance(0);
    browser.post(message(COMPLETE));
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });
});

it('reset forgets an error', async () => {
  const { flow, browser, status } = flowUnderTest({}, { known: 'needs_reconnect' });
  browser.blocksPopups = true;
  flow.connect();
  expect(status()).toBe('error');
  flow.reset();
  expect(status()).toBe('needs_reconnect');
});
