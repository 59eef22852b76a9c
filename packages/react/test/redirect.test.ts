import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RedirectReturn } from '../src/redirect-return.js';
import { ACCOUNT, COMPLETE, failedWith, SERVER_URL, stateResponse, TOKEN } from './fake-browser.js';
import { flowUnderTest } from './flow-under-test.js';

const RETURN = '/settings?tab=apps&authpipe_session=sess_1&authpipe_status=complete#okta';

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, '', '/settings');
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a blocked popup', () => {
  it('is popup_blocked, unless the app allows a redirect', () => {
    const { flow, browser, onError, status } = flowUnderTest();
    browser.blocksPopups = true;
    flow.connect();
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'popup_blocked' }));
    expect(status()).toBe('error');
  });

  it('is popup_blocked too where the browser answers with a window that is closed already', () => {
    const { flow, browser, onError } = flowUnderTest();
    jest.spyOn(browser, 'open').mockReturnValue({ closed: true, close() {}, focus() {}, document });
    flow.connect();
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'popup_blocked' }));
  });

  it('goes on in this window with display auto, without losing the click', async () => {
    const { flow, browser, onError, status } = flowUnderTest({ display: 'auto' });
    browser.blocksPopups = true;
    flow.connect();
    await browser.advance(0);
    expect(browser.submitted).toEqual([
      {
        from: document,
        action: `${SERVER_URL}/connect`,
        method: 'post',
        fields: { token: TOKEN, integration: 'okta', display: 'redirect' },
        referrerPolicy: 'origin',
      },
    ]);
    expect(onError).not.toHaveBeenCalled();
    expect(status()).toBe('connecting');
  });

  it('does not matter with display redirect: no popup is tried', async () => {
    const { flow, browser } = flowUnderTest({ display: 'redirect' });
    flow.connect();
    await browser.advance(0);
    expect(browser.popups).toEqual([]);
    expect(browser.submitted).toHaveLength(1);
  });
});

it('a page that the browser restores as it was left is at rest again', async () => {
  const { flow, browser, status } = flowUnderTest({ display: 'redirect' });
  flow.connect();
  await browser.advance(0);
  window.dispatchEvent(new Event('pageshow'));
  expect(status()).toBe('idle');
});

describe('the way back from a redirect', () => {
  /** Leaves by redirect, and loads the page anew at the given address. */
  const leaveAndReturn = async (address: string, leaving: Parameters<typeof flowUnderTest>[0] = {}) => {
    const before = flowUnderTest({ display: 'redirect', ...leaving });
    before.flow.connect();
    await before.browser.advance(0);
    history.replaceState(null, '', address);
    return flowUnderTest({}, { browser: before.browser });
  };

  it('asks the server how it went, and tells onSuccess', async () => {
    const { flow, browser, onSuccess, status } = await leaveAndReturn(RETURN);
    browser.answer = () => stateResponse(COMPLETE);
    flow.resume();
    expect(status()).toBe('connecting');
    await browser.advance(0);
    expect(browser.requests.at(-1)?.init.headers).toEqual({ Authorization: `Bearer ${TOKEN}` });
    expect(onSuccess).toHaveBeenCalledWith(ACCOUNT);
  });

  it('does not believe the address: what the server says counts', async () => {
    const { flow, browser, onSuccess, onError } = await leaveAndReturn(RETURN);
    browser.answer = () => stateResponse(failedWith('access_denied'));
    flow.resume();
    await browser.advance(0);
    expect(onSuccess).not.toHaveBeenCalled();
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'access_denied' }));
  });

  it('takes its own parameters out of the address, and leaves the rest', async () => {
    const { flow } = await leaveAndReturn(RETURN);
    flow.resume();
    expect(location.pathname + location.search + location.hash).toBe('/settings?tab=apps#okta');
  });

  it('forgets the token, whatever comes of it', async () => {
    const { flow } = await leaveAndReturn(RETURN);
    flow.resume();
    expect(sessionStorage).toHaveLength(0);
  });

  it('is told once, though StrictMode mounts twice', async () => {
    const { flow, browser, onSuccess, onCancel } = await leaveAndReturn(RETURN);
    browser.answer = () => stateResponse(COMPLETE);
    flow.resume();
    flow.dispose();
    flow.resume();
    await browser.advance(0);
    flow.dispose();
    flow.resume();
    await browser.advance(0);
    expect(onSuccess).toHaveBeenCalledTimes(1);
    expect(onCancel).not.toHaveBeenCalled();
  });

  it('is a cancel when the person came back without finishing', async () => {
    const { flow, browser, onCancel, status } = await leaveAndReturn(RETURN);
    flow.resume();
    await browser.advance(0);
    expect(onCancel).toHaveBeenCalledTimes(1);
    expect(status()).toBe('idle');
  });

  it('is over when the person starts anew or the app resets: it is not asked about again', async () => {
    for (const begin of ['connect', 'reset'] as const) {
      history.replaceState(null, '', '/settings');
      const { flow, browser, onCancel } = await leaveAndReturn(RETURN);
      browser.answer = () => new Promise<Response>(() => {});
      flow.resume();
      flow[begin]();
      flow.reset();
      const asked = browser.requests.length;
      flow.resume();
      await browser.advance(1);
      expect(browser.requests).toHaveLength(asked);
      expect(onCancel).not.toHaveBeenCalled();
    }
  });

  it('belongs to the button that was pressed, and to one only', async () => {
    await leaveAndReturn(RETURN);
    const redirectReturn = new RedirectReturn();
    const other = flowUnderTest({ provider: 'github' }, { redirectReturn });
    const first = flowUnderTest({}, { redirectReturn });
    const second = flowUnderTest({}, { redirectReturn });
    for (const { flow } of [other, first, second]) flow.resume();
    expect([other, first, second].map(({ status }) => status())).toEqual(['idle', 'connecting', 'idle']);
  });

  it('of a reconnect belongs to the button of that connection', async () => {
    await leaveAndReturn(RETURN, { connectionId: 'conn_2' });
    const redirectReturn = new RedirectReturn();
    const one = flowUnderTest({ connectionId: 'conn_1' }, { redirectReturn });
    const two = flowUnderTest({ connectionId: 'conn_2' }, { redirectReturn });
    for (const { flow } of [one, two]) flow.resume();
    expect([one, two].map(({ status }) => status())).toEqual(['idle', 'connecting']);
  });

  it('that was made up by somebody else asks nothing and tells nobody', async () => {
    history.replaceState(null, '', RETURN);
    const { flow, browser, onSuccess } = flowUnderTest();
    flow.resume();
    await browser.advance(5);
    expect(browser.requests).toEqual([]);
    expect(onSuccess).not.toHaveBeenCalled();
    expect(location.search).toBe('?tab=apps');
  });

  it.each(['not json', '{}', '{"token":1,"integration":"okta"}', 'null'])(
    'with something else in the storage (%s) is at rest',
    (stored) => {
      sessionStorage.setItem('authpipe:redirect', stored);
      history.replaceState(null, '', RETURN);
      const { flow, status } = flowUnderTest();
      flow.resume();
      expect(status()).toBe('idle');
    },
  );

  it('without storage still goes there', async () => {
    jest.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('blocked', 'SecurityError');
    });
    const { flow, browser } = flowUnderTest({ display: 'redirect' });
    flow.connect();
    await browser.advance(0);
    expect(browser.submitted).toHaveLength(1);
  });
});
