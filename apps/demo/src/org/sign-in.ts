import express, { type Request, type Response, Router } from 'express';
import type Provider from 'oidc-provider';
import type { errors } from 'oidc-provider';
import { checkRequest, scopesToGrant } from './authorization-request.js';
import { CONSENT_PATH, SIGN_IN_PATH } from './authorization-server.js';
import type { OrgState } from './org-state.js';
import { consentPage } from './pages/consent-page.js';
import { errorPage } from './pages/error-page.js';
import { signInPage } from './pages/sign-in-page.js';
import { type OrgUser, SANDBOX_PASSWORD } from './people.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** The pages a person sees between `/authorize` and the app's callback: plain forms, no script. */
export function signInRoutes(state: OrgState, server: Provider): Router {
  const router = Router();
  const form = express.urlencoded({ extended: false });

  const step =
    (show: (req: Request, res: Response, interaction: Interaction) => Promise<void>) =>
    async (req: Request, res: Response) => {
      res.set('Cache-Control', 'no-store');
      const interaction = await server.interactionDetails(req, res).catch(ignoreLostSession);
      if (!interaction || interaction.uid !== req.params.uid) {
        res
          .status(400)
          .send(errorPage('invalid_request', 'This sign-in has expired or was opened elsewhere.'));
        return;
      }
      const refusal = checkRequest(
        interaction.params,
        state.clients.get(String(interaction.params.client_id)),
      );
      if (refusal) return void (await server.interactionFinished(req, res, { ...refusal }));
      await show(req, res, interaction);
    };

  const showSignIn = (
    req: Request,
    res: Response,
    interaction: Interaction,
    typed?: { username: string; problem: string },
  ) => {
    const { client_id, login_hint } = interaction.params;
    const username = typed?.username ?? (typeof login_hint === 'string' ? login_hint : undefined);
    res.status(typed ? 401 : 200).send(
      signInPage({
        issuer: state.issuer,
        appName: state.clients.get(String(client_id)).name,
        action: req.path,
        people: state.directory.signInUsers(),
        ...(username === undefined ? {} : { username }),
        ...(typed ? { problem: typed.problem } : {}),
      }),
    );
  };

  router.get(
    `${SIGN_IN_PATH}/:uid`,
    step(async (req, res, interaction) => showSignIn(req, res, interaction)),
  );

  router.post(
    `${SIGN_IN_PATH}/:uid`,
    form,
    step(async (req, res, interaction) => {
      const { person, username = '', password } = req.body as Record<string, string | undefined>;
      const user =
        person === undefined ? checkPassword(state, username, password) : state.directory.find(person);
      if (!user?.canSignIn)
        return showSignIn(req, res, interaction, {
          username,
          problem: 'Unable to sign in. Check the username and the password.',
        });
      if (user.status !== 'ACTIVE') {
        const problem = `Unable to sign in: ${user.email} is ${user.status.toLowerCase()} in this org. The control page can reactivate them.`;
        return showSignIn(req, res, interaction, { username: user.email, problem });
      }
      const next = await server.interactionResult(req, res, { login: { accountId: user.id, amr: ['pwd'] } });
      await handOverSession(server, req, res, user);
      res.redirect(303, next);
    }),
  );

  router.get(
    `${CONSENT_PATH}/:uid`,
    step(async (req, res, interaction) => {
      const client = state.clients.get(String(interaction.params.client_id));
      const user = state.directory.get(interaction.session?.accountId ?? '');
      if (client.assignedTo && !client.assignedTo.includes(user.email)) {
        const refusal = {
          error: 'access_denied',
          error_description: 'User is not assigned to the client application.',
        };
        return server.interactionFinished(req, res, refusal);
      }
      const { granted } = scopesToGrant(interaction.params, client);
      res.send(
        consentPage({ issuer: state.issuer, appName: client.name, action: req.path, user, scopes: granted }),
      );
    }),
  );

  router.post(
    `${CONSENT_PATH}/:uid`,
    form,
    step(async (req, res, interaction) => {
      const { decision } = req.body as Record<string, string | undefined>;
      if (decision !== 'allow') {
        const refusal = {
          error: 'access_denied',
          error_description: 'The resource owner or authorization server denied the request.',
        };
        return server.interactionFinished(req, res, refusal);
      }
      const client = state.clients.get(String(interaction.params.client_id));
      const { granted, withheld } = scopesToGrant(interaction.params, client);
      const grant = new server.Grant({
        accountId: interaction.session?.accountId,
        clientId: client.clientId,
      });
      grant.addOIDCScope([...granted]);
      // What is neither granted nor rejected would be asked for again.
      if (withheld.length > 0) grant.rejectOIDCScope([...withheld]);
      await server.interactionFinished(req, res, { consent: { grantId: await grant.save() } });
    }),
  );

  router.post(
    `${CONSENT_PATH}/:uid/switch`,
    step(async (req, res, interaction) => {
      const session = await server.Session.get(server.createContext(req, res) as never);
      await session.destroy();
      const again = Object.entries(interaction.params).filter(([, value]) => typeof value === 'string');
      res.redirect(
        303,
        `/oauth2/v1/authorize?${new URLSearchParams(Object.fromEntries(again) as Record<string, string>)}`,
      );
    }),
  );

  return router;
}

function checkPassword(state: OrgState, username: string, password: string | undefined): OrgUser | undefined {
  return password === SANDBOX_PASSWORD ? state.directory.find(username) : undefined;
}

/** Where somebody else was signed in, the session becomes the new person's; the library would ask to sign out first. */
async function handOverSession(server: Provider, req: Request, res: Response, user: OrgUser): Promise<void> {
  const session = await server.Session.get(server.createContext(req, res) as never);
  if (!session.accountId || session.accountId === user.id) return;
  session.accountId = user.id;
  await session.persist();
}

/** A missing cookie or a sign-in that is over. Everything else is a fault of the sandbox and must be seen. */
function ignoreLostSession(failure: errors.OIDCProviderError): undefined {
  if (failure.error === 'invalid_request') return undefined;
  throw failure;
}
