import { AuthpipeError } from '@authpipe/node';
import { authpipe } from '../../../lib/authpipe.js';
import { signedIn } from '../../../lib/signed-in.js';

/** The client keeps a cache and opens sockets: not for the edge runtime. */
export const runtime = 'nodejs';
/** Each person sees their own: nothing here may be rendered ahead. */
export const dynamic = 'force-dynamic';

/** `GET /api/people?q=ada` */
export const GET = async (request: Request): Promise<Response> => {
  const { tenantId, userId } = await signedIn();
  const search = new URLSearchParams({ limit: '20', q: new URL(request.url).searchParams.get('q') ?? '' });
  try {
    const ref = { provider: 'okta', tenantId, userId } as const;
    const answer = await authpipe().fetch(ref, `/api/v1/users?${search}`, { signal: request.signal });
    if (!answer.ok) return Response.json({ error: 'The directory refused the request.' }, { status: 502 });
    return Response.json(await answer.json());
  } catch (error) {
    if (!(error instanceof AuthpipeError)) throw error;
    const isDisconnected = error.code === 'needs_reconnect' || error.code === 'connection_not_found';
    if (isDisconnected) return Response.json({ connect: true }, { status: 409 });
    return Response.json({ code: error.code }, { status: error.retryable ? 503 : 500 });
  }
};
