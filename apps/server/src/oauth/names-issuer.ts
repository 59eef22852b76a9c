import type { FindServer } from './find-server.js';
import type { OAuth } from './oauth.js';
import { toTokenRequestError, wrongSetup } from './token-request-error.js';

/** Reads from the metadata whether the provider promises `iss` in each of its answers, errors included. */
export const createNamesIssuer =
  (findServer: FindServer): OAuth['namesIssuer'] =>
  async (target) => {
    try {
      const { issuer, metadata } = await findServer(target);
      return issuer !== null && metadata.authorization_response_iss_parameter_supported === true;
    } catch (error) {
      throw toTokenRequestError(error, () => wrongSetup('The metadata of the provider can not be read.'));
    }
  };
