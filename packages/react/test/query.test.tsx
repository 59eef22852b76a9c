import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { ConnectButton } from '../src/index.js';
import {
  type ConnectionRef,
  connectionsQueryKey,
  useConnection,
  useConnections,
  useDisconnect,
} from '../src/query/index.js';
import { impatientQueryClient, inApp, installFakeWindows } from './app-with-queries.js';
import { ConnectionsServer, listed, problem } from './connections-server.js';
import { COMPLETE, message, settled } from './fake-browser.js';
import { tidyUp } from './page-under-test.js';

let server: ConnectionsServer;
let queryClient: QueryClient;
beforeEach(async () => {
  server = new ConnectionsServer();
  await server.start();
  queryClient = impatientQueryClient();
});
afterEach(async () => {
  tidyUp();
  queryClient.clear();
  await server.stop();
});

const app = (children: ReactNode, key?: string) =>
  inApp(children, { queryClient, session: server.session, ...(key === undefined ? {} : { key }) });

function Ids() {
  const { data, error } = useConnections();
  return <output data-testid="ids">{error?.code ?? data?.map(({ id }) => id).join(' ') ?? 'loading'}</output>;
}

function One({ which }: { which: string | ConnectionRef }) {
  const { data } = useConnection(which);
  return <output data-testid="one">{data === undefined ? 'loading' : (data?.id ?? 'none')}</output>;
}

function EndButton({ id }: { id: string }) {
  const { mutate, error } = useDisconnect();
  return (
    <button type="button" onClick={() => mutate(id)}>
      {error?.code ?? 'end'}
    </button>
  );
}

const shows = (testId: string, text: string) =>
  waitFor(() => expect(screen.getByTestId(testId).textContent).toBe(text));

describe('useConnections', () => {
  it('lists what the server has, newest first', async () => {
    server.connections = [listed('conn_2'), listed('conn_1')];
    render(app(<Ids />));
    expect(screen.getByTestId('ids').textContent).toBe('loading');
    await shows('ids', 'conn_2 conn_1');
  });

  it('shares one request among all that ask', async () => {
    server.connections = [listed('conn_1')];
    render(
      app(
        <>
          <Ids />
          <One which="conn_1" />
        </>,
      ),
    );
    await shows('ids', 'conn_1');
    await shows('one', 'conn_1');
    expect(server.requests).toEqual(['GET /connect/connections']);
  });

  it('asks again after a connect on the same page', async () => {
    const browser = installFakeWindows();
    render(
      app(
        <>
          <Ids />
          <ConnectButton provider="okta" />
        </>,
      ),
    );
    await shows('ids', '');
    await act(async () => {
      fireEvent.click(screen.getByRole('button'));
      await settled();
    });
    server.connections = [listed('conn_1')];
    await act(async () => browser.post(message(COMPLETE), { origin: server.url }));
    await shows('ids', 'conn_1');
  });

  it('says why not, and does not repeat what was refused', async () => {
    let asked = 0;
    server.answer = (_request, response) => {
      asked += 1;
      problem(response, 403, 'forbidden');
    };
    render(app(<Ids />));
    await shows('ids', 'forbidden');
    expect(asked).toBe(1);
  });

  it('asks again where the server did not answer, and then says so', async () => {
    let asked = 0;
    server.answer = (request) => {
      asked += 1;
      request.socket.destroy();
    };
    render(app(<Ids />));
    await shows('ids', 'server_unreachable');
    expect(asked).toBe(3);
  });

  it('shows nothing of the person before, when the provider is another', async () => {
    server.connections = [listed('conn_of_ada')];
    const { rerender } = render(app(<Ids />, 'ada'));
    await shows('ids', 'conn_of_ada');
    server.connections = [listed('conn_of_bob')];
    rerender(app(<Ids />, 'bob'));
    expect(screen.getByTestId('ids').textContent).toBe('loading');
    await shows('ids', 'conn_of_bob');
    expect(server.sessionRequests).toHaveLength(2);
  });

  it('is forgotten by its key', async () => {
    server.connections = [listed('conn_1')];
    const { unmount } = render(app(<Ids />));
    await shows('ids', 'conn_1');
    unmount();
    queryClient.removeQueries({ queryKey: connectionsQueryKey });
    expect(queryClient.getQueryCache().getAll()).toEqual([]);
  });

  it('outside a provider says what to do', () => {
    jest.spyOn(console, 'error').mockImplementation(() => {});
    const page = (
      <QueryClientProvider client={queryClient}>
        <Ids />
      </QueryClientProvider>
    );
    expect(() => render(page)).toThrow('wrap this part of the app in <AuthpipeProvider');
  });
});

describe('useConnection', () => {
  beforeEach(() => {
    server.connections = [
      listed('conn_4', { integration: 'okta-eu', label: 'work' }),
      listed('conn_3', { provider: 'auth0', integration: 'auth0' }),
      listed('conn_2', { label: 'work' }),
      listed('conn_1'),
    ];
  });

  it.each<[string | ConnectionRef, string]>([
    ['conn_2', 'conn_2'],
    ['okta-eu', 'conn_4'],
    ['auth0', 'conn_3'],
    // Of the integration before the provider's others, and the default before newer ones.
    ['okta', 'conn_1'],
    [{ provider: 'okta', label: 'work' }, 'conn_4'],
    [{ integration: 'okta', label: 'work' }, 'conn_2'],
    [{ connectionId: 'conn_3', provider: 'okta' }, 'none'],
    ['snyk', 'none'],
  ])('finds %j', async (which, id) => {
    render(app(<One which={which} />));
    await shows('one', id);
  });
});

describe('useDisconnect', () => {
  const click = () => act(async () => void fireEvent.click(screen.getByRole('button')));

  it('ends a connection, which leaves every list of the page', async () => {
    server.connections = [listed('conn_2'), listed('conn_1')];
    render(
      app(
        <>
          <Ids />
          <One which="conn_1" />
          <EndButton id="conn_1" />
        </>,
      ),
    );
    await shows('one', 'conn_1');
    await click();
    await shows('ids', 'conn_2');
    await shows('one', 'none');
    expect(server.requests).toContain('DELETE /connect/connections/conn_1');
  });

  it('is not undone by an older answer that comes late', async () => {
    server.connections = [listed('conn_2'), listed('conn_1')];
    render(
      app(
        <>
          <Ids />
          <EndButton id="conn_1" />
        </>,
      ),
    );
    await shows('ids', 'conn_2 conn_1');
    let letGo = (): void => {};
    server.gate = new Promise((resolve) => {
      letGo = resolve;
    });
    void queryClient.invalidateQueries({ queryKey: connectionsQueryKey });
    await waitFor(() => expect(server.requests).toHaveLength(2));
    server.gate = Promise.resolve();
    await click();
    await shows('ids', 'conn_2');
    await act(async () => letGo());
    await waitFor(() => expect(queryClient.isFetching()).toBe(0));
    expect(screen.getByTestId('ids').textContent).toBe('conn_2');
  });

  it('takes what somebody else has ended out of the list too', async () => {
    server.connections = [listed('conn_1')];
    render(
      app(
        <>
          <Ids />
          <EndButton id="conn_1" />
        </>,
      ),
    );
    await shows('ids', 'conn_1');
    server.connections = [];
    await click();
    await shows('ids', '');
    expect(screen.getByRole('button').textContent).toBe('connection_not_found');
  });

  it('leaves the list as it is when it fails', async () => {
    server.connections = [listed('conn_1')];
    render(
      app(
        <>
          <Ids />
          <EndButton id="conn_1" />
        </>,
      ),
    );
    await shows('ids', 'conn_1');
    server.answer = (_request, response) => problem(response, 409, 'conflict');
    await click();
    await waitFor(() => expect(screen.getByRole('button').textContent).toBe('conflict'));
    expect(screen.getByTestId('ids').textContent).toBe('conn_1');
  });
});
