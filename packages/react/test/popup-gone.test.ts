import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { COMPLETE, stateResponse } from './fake-browser.js';
import { flowUnderTest } from './flow-under-test.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a popup that looks closed', () => {
  it('is a cancel only after the session stayed pending for half a minute with the person back on the page', async () => {
    const { flow, browser, onCancel, status } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.popup.close();
    await browser.advance(29);
    expect(onCancel).not.toHaveBeenCalled();
    expect(flow.getSnapshot()).toMatchObject({ status: 'connecting', windowGone: true });
    await browser.advance(2);
    expect(onCancel).toHaveBeenCalledTimes(1);
    expect(status()).toBe('idle');
  });

  it('is no cancel while this page is not focused: the person is at work in a popup that COOP severed', async () => {
    const { flow, browser, onCancel, onSuccess } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.popup.closed = true;
    browser.focusPage(false);
    await browser.advance(600);
    browser.answer = () => stateResponse(COMPLETE);
    await browser.advance(1);
    expect(onSuccess).toHaveBeenCalledTimes(1);
    expect(onCancel).not.toHaveBeenCalled();
  });

  it('is no cancel for a person who looks back at this page now and then', async () => {
    const { flow, browser, onCancel } = flowUnderTest();
    flow.connect();
    await browser.advance(0);
    browser.popup.closed = true;
    for (let visit = 0; visit < 5; visit += 1) {
      browser.focusPage(true);
      await browser.advance(20);
      browser.focusPage(false);
      await browser.advance(2);
    }
    expect(onCancel).not.toHaveBeenCalled();
  });

  it('right after finishing is a success, not a cancel', async () => {
    const { flow, browser, onCancel, onSuccess } = flowUnderTest();
    flow.connect();
    await browser.advance(2);
    browser.answer = () => stateResponse(COMPLETE);
    browser.popup.close();
    await browser.advance(60);
    expect(onSuccess).toHaveBeenCalledTimes(1);
    expect(onCancel).not.toHaveBeenCalled();
  });

  it('while it is still blank was closed by the person: a cancel, and the token is sent nowhere', async () => {
    let give = (_token: string): void => {};
    const { flow, browser, onCancel } = flowUnderTest({
      session: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    });
    flow.connect();
    browser.popup.close();
    give('aps_aHR0cHM6Ly9hLnRlc3Q.secret');
    await browser.advance(0);
    expect(onCancel).toHaveBeenCalledTimes(1);
    expect(browser.submitted).toEqual([]);
  });
});

it('an open popup is waited for as long as the session lives', async () => {
  const { flow, browser, onCancel, onError, status } = flowUnderTest();
  flow.connect();
  await browser.advance(3_600);
  expect(status()).toBe('connecting');
  expect(onCancel).not.toHaveBeenCalled();
  expect(onError).not.toHaveBeenCalled();
});
