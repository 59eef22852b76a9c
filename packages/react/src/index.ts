export type { CatalogueProviderId, ConnectedAccount, ProviderId } from '@authpipe/types';
export { AuthpipeProvider, type AuthpipeProviderProps } from './authpipe-provider.js';
export type { Browser, Popup } from './browser.js';
export type { ButtonSize } from './button-appearance.js';
export { ConnectButton, type ConnectButtonProps } from './connect-button.js';
export { ConnectError, type ConnectErrorCode } from './connect-error.js';
export {
  type ConnectDisplay,
  ConnectFlow,
  type ConnectFlowOptions,
  type ConnectFlowParts,
  type ConnectFlowStatus,
  type ConnectSnapshot,
} from './connect-flow.js';
export type { ConnectLabelOverrides, ConnectLabels } from './connect-labels.js';
export type { ConnectRequest, ListRequest, SessionRequest, SessionSource } from './session-source.js';
export { type UseConnectOptions, type UseConnectResult, useConnect } from './use-connect.js';
