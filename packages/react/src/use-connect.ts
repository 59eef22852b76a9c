import type { ConnectedAccount, ProviderId } from '@authpipe/types';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useAuthpipeContext } from './authpipe-provider.js';
import { ConnectFlow, type ConnectFlowOptions, type ConnectSnapshot } from './connect-flow.js';

export interface UseConnectOptions extends Omit<ConnectFlowOptions, 'session' | 'provider' | 'baseUrl'> {
  readonly provider: ProviderId;
  /** The connection as your backend knows it: decides what is shown at rest, and is what a click reconnects. */
  readonly connection?: Pick<ConnectedAccount, 'id' | 'status'> | null | undefined;
}

export interface UseConnectResult extends ConnectSnapshot {
  /** Starts a connect. Call it synchronously in a click, or browsers block the popup. */
  readonly connect: () => void;
  /** Forgets a connect under way, an error or an earlier success. */
  readonly reset: () => void;
}

/**
 * The logic of `ConnectButton`, for a button of your own.
 * @throws Error outside an `AuthpipeProvider`.
 */
export function useConnect({ connection, ...options }: UseConnectOptions): UseConnectResult {
  const { redirectReturn, onConnected, ...context } = useAuthpipeContext();
  const known = connection?.status ?? null;
  const flowOptions: ConnectFlowOptions = {
    ...options,
    session: context.session,
    baseUrl: context.baseUrl,
    display: options.display ?? context.display,
    connectionId: options.connectionId ?? connection?.id,
    onSuccess: (account) => {
      for (const listener of onConnected) listener();
      options.onSuccess?.(account);
    },
  };
  const [flow] = useState(() => new ConnectFlow(flowOptions, known, { redirectReturn }));
  const snapshot = useSyncExternalStore(flow.subscribe, flow.getSnapshot, flow.getSnapshot);

  // After every render: a redirect that came back may belong to a connection that the app has only now learnt of.
  useEffect(() => {
    flow.update(flowOptions);
    flow.resume();
  });
  useEffect(() => flow.setKnownStatus(known), [flow, known]);
  useEffect(() => () => flow.dispose(), [flow]);

  return { ...snapshot, connect: flow.connect, reset: flow.reset };
}
