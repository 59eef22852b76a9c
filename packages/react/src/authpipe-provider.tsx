import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import type { ConnectDisplay, SessionSource } from './connect-flow.js';
import { RedirectReturn } from './redirect-return.js';

export interface AuthpipeProviderProps {
  /**
   * A connect session token, or a function that fetches one from your backend. The function is called at each click,
   * with what is about to be connected, so that no session is made for people who never click.
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
}

const AuthpipeContext = createContext<AuthpipeContextValue | null>(null);

/** Gives every `ConnectButton` and `useConnect` below it the session they connect with. */
export function AuthpipeProvider({ session, baseUrl, display, children }: AuthpipeProviderProps) {
  const [redirectReturn] = useState(() => new RedirectReturn());
  const value = useMemo(
    () => ({ session, baseUrl, display, redirectReturn }),
    [session, baseUrl, display, redirectReturn],
  );
  // Also where no button is on the page: the parameters must not stay in the address.
  useEffect(() => redirectReturn.read(window), [redirectReturn]);
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
