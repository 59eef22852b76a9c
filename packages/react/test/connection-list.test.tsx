import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { QueryClient } from '@tanstack/react-query';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { ConnectionList, type ConnectionListProps } from '../src/connection-list/index.js';
import { ConnectButton } from '../src/index.js';
import { connectionsQueryKey } from '../src/query/index.js';
import { impatientQueryClient, inApp, installFakeWindows } from './app-with-queries.js';
import { findings } from './axe-findings.js';
import { ConnectionsServer, listed, problem } from './connections-server.js';
import { ACCOUNT, type FakeBrowser, message, settled } from './fake-browser.js';
import { tidyUp } from './page-under-test.js';

let server: ConnectionsServer;
let queryClient: QueryClient;
let browser: FakeBrowser;
beforeEach(async () => {
  server = new ConnectionsServer();
  await server.start();
  queryClient = impatientQueryClient();
  browser = installFakeWindows();
});
afterEach(async () => {
  tidyUp();
  queryClient.clear();
  await server.stop();
});

const show = (props: ConnectionListProps = {}) =>
  render(inApp(<ConnectionList {...props} />, { queryClient, session: server.session }));
const showLoaded = async (props: ConnectionListProps = {}) => {
  const shown = show(props);
  await screen.findAllByRole('listitem');
  return shown;
};
const row = (name: RegExp) => screen.getByRole('listitem', { name });
const button = (name: string | RegExp) => screen.getByRole('button', { name });
const click = (element: HTMLElement) => act(async () => void fireEvent.click(element));
const announced = () =>
  screen
    .getAllByRole('status')
    .map(({ textContent }) => textContent)
    .join('');

const EVERY_STATUS = [
  listed('conn_1'),
  listed('conn_2', { label: 'work', status: 'needs_reconnect', reason: 'revoked' }),
  listed('conn_3', { provider: 'auth0', integration: 'auth0', status: 'degraded', reason: 'provider_down' }),
  listed('conn_4', {
    provider: 'snyk',
    integration: 'snyk',
    status: 'unverified',
    account: null,
    missingScopes: ['org.read', 'user.read'],
  }),
];

describe('the list', () => {
  it('names each connection, its account and how it is, in words', async () => {
    server.connections = EVERY_STATUS;
    await showLoaded();
    const texts = screen.getAllByRole('listitem').map((item) => item.textContent ?? '');
    expect(texts).toHaveLength(4);
    expect(texts[0]).toMatch(/Okta.*ada@acme\.test.*Working/);
    expect(texts[1]).toMatch(/Okta \(work\).*Needs to be reconnected\. Access was withdrawn\./);
    expect(texts[2]).toMatch(/Auth0.*Having trouble\. It does not answer right now/);
    expect(texts[3]).toMatch(/Snyk.*Connected, not checked yet.*2 permissions were not granted/);
    expect(within(row(/^Snyk/)).queryByText('ada@acme.test')).toBeNull();
  });

  it('lets reconnect what needs it, and nothing else', async () => {
    server.connections = EVERY_STATUS;
    await showLoaded();
    const reconnects = screen.getAllByRole('button', { name: /^Reconnect/ });
    expect(reconnects.map(({ textContent }) => textContent)).toEqual(['Reconnect Okta (work)']);
    expect(row(/work/).contains(reconnects[0] as HTMLElement)).toBe(true);
    expect(reconnects[0]?.getAttribute('aria-describedby')).toBe(
      screen.getAllByText('ada@acme.test')[1]?.parentElement?.id,
    );
  });

  it('takes the app’s names, signs, words, class and style', async () => {
    server.connections = EVERY_STATUS.slice(0, 3);
    const { container } = await showLoaded({
      names: { auth0: 'Auth0 by Okta' },
      icons: { okta: <svg data-testid="sign" /> },
      labels: { status: { healthy: 'In Ordnung' }, reasons: { revoked: 'Zugriff entzogen.' } },
      className: 'mine',
      style: { marginTop: 7 },
    });
    expect(row(/^Auth0 by Okta/)).not.toBeNull();
    expect(screen.getAllByTestId('sign')).toHaveLength(2);
    expect(screen.getByText('In Ordnung')).not.toBeNull();
    expect(row(/work/).textContent).toContain('Zugriff entzogen.');
    const list = container.firstElementChild as HTMLElement;
    expect([list.className, list.style.marginTop]).toEqual(['mine', '7px']);
  });

  it('has no look of its own when it is unstyled', async () => {
    server.connections = EVERY_STATUS;
    const { container } = await showLoaded({ unstyled: true });
    const styled = [...container.querySelectorAll('[style]')].filter(
      // What only screen readers hear, and the signs.
      (element) => element.getAttribute('role') !== 'status' && !(element instanceof SVGElement),
    );
    expect(styled).toEqual([]);
  });

  it('shows accounts in their own direction, and leaves left and right to the page', async () => {
    server.connections = EVERY_STATUS;
    const { container } = await showLoaded();
    expect(screen.getAllByText('ada@acme.test')[0]?.tagName).toBe('BDI');
    expect(container.innerHTML).not.toMatch(
      /(margin|padding|border)-(left|right)|text-align: (left|right)|left:|right:/,
    );
  });
});

describe('loading', () => {
  it('is announced, and the list is busy', async () => {
    server.gate = new Promise(() => {});
    show();
    expect(announced()).toBe('Loading connections…');
    expect(screen.getByRole('region', { name: 'Connections' }).getAttribute('aria-busy')).toBe('true');
    expect(await findings()).toEqual([]);
  });
});

describe('an empty list', () => {
  it('says so, and has room for what to connect', async () => {
    show({ children: <ConnectButton provider="okta" /> });
    expect(await screen.findByText('Nothing is connected yet.')).not.toBeNull();
    expect(button('Connect Okta')).not.toBeNull();
    expect(await findings()).toEqual([]);
  });
});

describe('a list that can’t be loaded', () => {
  it('says so, and is loaded again at a click', async () => {
    server.connections = [listed('conn_1')];
    server.answer = (_request, response) => problem(response, 403, 'forbidden');
    show();
    expect((await screen.findByRole('alert')).textContent).toContain('could not be loaded');
    expect(await findings()).toEqual([]);
    server.answer = null;
    await click(button('Try again'));
    expect(await screen.findAllByRole('listitem')).toHaveLength(1);
  });

  it('is still shown where it was loaded before', async () => {
    server.connections = [listed('conn_1')];
    await showLoaded();
    server.answer = (_request, response) => problem(response, 403, 'forbidden');
    await act(() => queryClient.invalidateQueries({ queryKey: connectionsQueryKey }));
    expect(screen.getAllByRole('listitem')).toHaveLength(1);
  });
});

describe('disconnecting', () => {
  beforeEach(() => {
    server.connections = [listed('conn_1'), listed('conn_2', { label: 'work' })];
  });
  const ask = async (name: string) => {
    await click(button(name));
    return screen.getByRole('group');
  };
  const FIRST = 'Disconnect Okta, ada@acme.test';
  const SECOND = 'Disconnect Okta (work), ada@acme.test';

  it('asks first, with the focus on the answer that changes nothing', async () => {
    await showLoaded();
    const group = await ask(FIRST);
    expect(screen.getByRole('group', { name: 'Disconnect Okta? Access ends at once.' })).toBe(group);
    expect(document.activeElement?.textContent).toBe('Keep');
    expect(await findings()).toEqual([]);
    expect(server.requests).toEqual(['GET /connect/connections']);
  });

  it.each([
    ['Keep', (group: HTMLElement) => click(within(group).getByText('Keep'))],
    [
      'Escape',
      (group: HTMLElement) =>
        act(async () => void fireEvent.keyDown(within(group).getByText('Keep'), { key: 'Escape' })),
    ],
  ])('changes nothing by %s, and gives the focus back', async (_name, answer) => {
    await showLoaded();
    await answer(await ask(FIRST));
    expect(screen.queryByRole('group')).toBeNull();
    expect(document.activeElement).toBe(button(FIRST));
    expect(server.requests).toEqual(['GET /connect/connections']);
  });

  it('ends the connection, says so, and moves the focus to the one that is left', async () => {
    const onDisconnect = jest.fn();
    await showLoaded({ onDisconnect });
    await click(within(await ask(FIRST)).getByText('Disconnect'));
    await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(1));
    expect(server.connections.map(({ id }) => id)).toEqual(['conn_2']);
    expect(announced()).toBe('Okta is disconnected.');
    expect(document.activeElement).toBe(row(/work/));
    expect(onDisconnect).toHaveBeenCalledTimes(1);
    expect(await findings()).toEqual([]);

    await click(within(await ask(SECOND)).getByText('Disconnect'));
    await screen.findByText('Nothing is connected yet.');
    expect(document.activeElement).toBe(screen.getByRole('region'));
  });

  it('keeps the focus and waits, once, while the provider is asked', async () => {
    await showLoaded();
    const group = await ask(FIRST);
    let letGo = (): void => {};
    server.gate = new Promise((resolve) => {
      letGo = resolve;
    });
    const yes = within(group).getByText('Disconnect');
    yes.focus();
    await click(yes);
    expect(yes.textContent).toBe('Disconnecting…');
    expect(document.activeElement).toBe(yes);
    await click(yes);
    await click(within(group).getByText('Keep'));
    fireEvent.keyDown(group, { key: 'Escape' });
    expect(screen.queryByRole('group')).toBe(group);
    expect(await findings()).toEqual([]);
    await act(async () => letGo());
    await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(1));
    expect(server.requests.filter((request) => request.startsWith('DELETE'))).toHaveLength(1);
  });

  it('says when it failed, and can be tried again', async () => {
    const onError = jest.fn();
    await showLoaded({ onError });
    const group = await ask(FIRST);
    server.answer = (_request, response) => problem(response, 409, 'conflict');
    await click(within(group).getByText('Disconnect'));
    expect((await screen.findByRole('alert')).textContent).toBe(
      'Okta could not be disconnected. Please try again.',
    );
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'conflict' }));
    expect(document.activeElement).toBe(button(FIRST));
    expect(await findings()).toEqual([]);
    server.answer = null;
    await click(within(await ask(FIRST)).getByText('Disconnect'));
    await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(1));
  });

  it('leaves the focus to a person who has gone on', async () => {
    render(
      inApp(
        <>
          <ConnectionList />
          <input aria-label="elsewhere" />
        </>,
        { queryClient, session: server.session },
      ),
    );
    await screen.findAllByRole('listitem');
    const group = await ask(FIRST);
    let letGo = (): void => {};
    server.gate = new Promise((resolve) => {
      letGo = resolve;
    });
    await click(within(group).getByText('Disconnect'));
    screen.getByLabelText('elsewhere').focus();
    await act(async () => letGo());
    await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(1));
    expect(document.activeElement).toBe(screen.getByLabelText('elsewhere'));
  });
});

describe('reconnecting', () => {
  const broken = listed('conn_7', { status: 'needs_reconnect', reason: 'refresh_token_expired' });

  it('keeps the connection’s id, asks the server again, and leaves the focus where it was', async () => {
    server.connections = [broken];
    const onReconnect = jest.fn();
    await showLoaded({ onReconnect });
    await act(async () => {
      button('Reconnect Okta').focus();
      fireEvent.click(button('Reconnect Okta'));
    });
    await waitFor(() => expect(browser.submitted).toHaveLength(1));
    await act(settled);
    expect(browser.submitted[0]?.fields).toMatchObject({ connection_id: 'conn_7', integration: 'okta' });
    expect(server.sessionRequests).toEqual([
      { permissions: ['list', 'disconnect'] },
      { provider: 'okta', integration: 'okta', connectionId: 'conn_7' },
    ]);
    expect(await findings()).toEqual([]);

    server.connections = [listed('conn_7')];
    const connection = { ...ACCOUNT, id: 'conn_7' };
    await act(async () =>
      browser.post(message({ id: 'sess_1', status: 'complete', connection }), { origin: server.url }),
    );
    await waitFor(() => expect(row(/Okta/).textContent).toContain('Working'));
    expect(screen.queryByRole('button', { name: /Reconnect/ })).toBeNull();
    expect(announced()).toContain('Okta is connected again.');
    expect(document.activeElement).toBe(row(/Okta/));
    expect(onReconnect).toHaveBeenCalledTimes(1);
  });

  it('takes no focus where the connection mended itself', async () => {
    server.connections = [broken];
    await showLoaded();
    server.connections = [listed('conn_7')];
    await act(() => queryClient.invalidateQueries({ queryKey: connectionsQueryKey }));
    await waitFor(() => expect(row(/Okta/).textContent).toContain('Working'));
    expect(document.activeElement).toBe(document.body);
  });
});

it('axe finds nothing on a list with every status', async () => {
  server.connections = EVERY_STATUS;
  await showLoaded();
  expect(await findings()).toEqual([]);
});
