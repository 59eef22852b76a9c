import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createBrowser } from '../src/walk/index.js';

type Handler = (req: IncomingMessage & { body: string }, res: ServerResponse) => void;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** Serves one handler on a free port, and returns the port. */
async function serve(handler: Handler): Promise<number> {
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += String(chunk);
    });
    req.on('end', () => handler(Object.assign(req, { body }), res));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('follows redirects from host to host, each host seeing its own cookies only', async () => {
  const seen: string[] = [];
  const port: number = await serve((req, res) => {
    seen.push(`${req.headers.host} ${req.url} ${req.headers.cookie ?? '-'}`);
    if (req.url === '/start') {
      res
        .writeHead(303, { Location: `http://b.localhost:${port}/middle`, 'Set-Cookie': 'a=1; HttpOnly' })
        .end();
    } else if (req.url === '/middle') {
      res.writeHead(302, { Location: `http://a.localhost:${port}/end`, 'Set-Cookie': 'b=2' }).end();
    } else res.end('<title>There</title>');
  });
  const browser = createBrowser();
  const page = await browser.open(`http://a.localhost:${port}/start`);
  expect(page.title).toBe('There');
  expect(seen).toEqual([
    `a.localhost:${port} /start -`,
    `b.localhost:${port} /middle -`,
    `a.localhost:${port} /end a=1`,
  ]);
  expect(await browser.cookies(`http://b.localhost:${port}/`)).toEqual({ b: '2' });
});

test('submits what the page put into a form, what was typed, and the button that was pressed', async () => {
  const posts: { body: string; origin: string | undefined }[] = [];
  const port = await serve((req, res) => {
    if (req.method === 'POST') posts.push({ body: req.body, origin: req.headers.origin });
    res.end(`<form method="post" action="/go"><input type="hidden" name="token" value="t&amp;1"><input name="who">
      <input type="checkbox" name="off"><input type="checkbox" name="on" checked>
      <select name="colour"><option>red</option><option selected>blue</option></select>
      <button name="do" value="no">Cancel</button><button name="do" value="yes">Go on</button></form>`);
  });
  const page = await createBrowser().open(`http://localhost:${port}/`);
  await page.submit({ fields: { who: 'Ada' }, button: 'Go on' });
  await page.submit();
  expect(posts).toEqual([
    { body: 'token=t%261&who=Ada&on=on&colour=blue&do=yes', origin: `http://localhost:${port}` },
    { body: 'token=t%261&who=&on=on&colour=blue&do=no', origin: `http://localhost:${port}` },
  ]);
});

test('a GET form puts its fields into the address', async () => {
  const port = await serve((_req, res) => res.end('<form action="/find"><input name="q"></form>'));
  const page = await createBrowser().open(`http://localhost:${port}/`);
  expect((await page.submit({ fields: { q: 'a b' } })).url.href).toBe(`http://localhost:${port}/find?q=a+b`);
});

test('posts into a popup with the opener’s origin, and loses it when the post is redirected to another host', async () => {
  const origins: string[] = [];
  const port: number = await serve((req, res) => {
    origins.push(`${req.method} ${req.url} ${req.headers.origin}`);
    if (req.url !== '/connect') return res.end('done');
    res.writeHead(307, { Location: `http://other.localhost:${port}/moved` }).end();
  });
  const page = await createBrowser().post(
    `http://localhost:${port}/connect`,
    { token: 't' },
    { origin: 'http://app.localhost' },
  );
  expect(page.text).toBe('done');
  expect(origins).toEqual(['POST /connect http://app.localhost', 'POST /moved null']);
});

test('stops in front of an address where nothing listens', async () => {
  const port = await serve((_req, res) =>
    res.writeHead(303, { Location: 'http://app.localhost:1/cb?code=c' }).end(),
  );
  const browser = createBrowser({ stopAt: (url) => url.pathname === '/cb' });
  const page = await browser.open(`http://localhost:${port}/`);
  expect(page).toMatchObject({ status: 0, html: '' });
  expect(page.url.searchParams.get('code')).toBe('c');
});

test('gives up on redirects that do not end', async () => {
  const port = await serve((_req, res) => res.writeHead(302, { Location: '/' }).end());
  await expect(createBrowser().open(`http://localhost:${port}/`)).rejects.toThrow('Redirects did not end');
});

test('says what a page has where the button or the field is not there', async () => {
  const port = await serve((_req, res) => res.end('<title>T</title><form><button>Save</button></form>'));
  const page = await createBrowser().open(`http://localhost:${port}/`);
  expect(() => page.submit({ button: 'Delete' })).toThrow(
    'does not have a button “Delete”. Its buttons: “Save”',
  );
  expect(() => page.submit({ fields: { name: 'x' } })).toThrow('a field named name');
});
