import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import type { ConnectDisplay } from './connect-flow.js';
import { RedirectReturn } from './redirect-return.js';
import type { SessionSource } from './session-source.js';

export interface AuthpipeProviderProps {
  /**
   * A connect session token, or a function that fetches one from your backend. The function is called at each click,
   * with what is about to be connected, so that no session is made for people who never click; and by a list of connections, with the `permissions` it needs.
   */
  session: SessionSource;
  /** URL of the Authpipe server; read from the session token when left out. */
  baseUrl?: string | undefined;
  /** Where hosted pages are shown, unless a button says otherwise. Default `popup`. */
  display?: ConnectDisplay | undefined;
  children?: ReactNode;
}

/** What the provider hands to the flows below it. */
export interface AuthpipeContextValue extends Omit<AuthpipeProviderProps, 'children'> {
  readonly redirectReturn: RedirectReturn;
  /** Called whenever a connect of this page succeeded. The same set for the life of the provider. */
  readonly onConnected: Set<() => void>;
}

const AuthpipeContext = createContext<AuthpipeContextValue | null>(null);

/** Gives every `ConnectButton` and `useConnect` below it the session they connect with. */
export function AuthpipeProvider({ session, baseUrl, display, children }: AuthpipeProviderProps) {
  const [lasting] = useState(() => ({
    redirectReturn: new RedirectReturn(),
    onConnected: new Set<() => void>(),
  }));
  const value = useMemo(
    () => ({ session, baseUrl, display, ...lasting }),
    [session, baseUrl, display, lasting],
  );
  // Also where no button is on the page: the parameters must not stay in the address.
  useEffect(() => lasting.redirectReturn.read(window), [lasting]);
  return <AuthpipeContext.Provider value={value}>{children}</AuthpipeContext.Provider>;
}

/** @throws Error outside an `AuthpipeProvider`. */
export function useAuthpipeContext(): AuthpipeContextValue {
  const value = useContext(AuthpipeContext);
  if (!value) {
    throw new Error(
      'No AuthpipeProvider above: wrap this part of the app in <AuthpipeProvider session={…}>.',
    );
  }
  return value;
}
