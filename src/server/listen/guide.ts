import { createHash } from 'node:crypto';
import type { ListenerRequest, ListenerResponse } from './http-protocol.ts';

export interface GuideDeps {
  readonly endpoints: readonly string[];
  readonly hasInbox: boolean;
}

/** What a path answers at which there is nothing: a welcome at the root, and a correction elsewhere. */
export type Guide = (request: ListenerRequest, response: ListenerResponse) => void;

const STYLE = `:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere }
li { margin: 0.25rem 0 }`;

/** Nothing of other places, no script at all, and in nobody's frame. */
const POLICY =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
  `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const ABOUT = 'Carillon delivers webhooks. It answers Connect, gRPC, gRPC-Web and JSON here';

/** A page for browsers, and text for everything else. */
export function createGuide({ endpoints, hasInbox }: GuideDeps): Guide {
  const lines = [...endpoints, ...(hasInbox ? ['GET /inbox', 'POST /inbox/<name>'] : [])];
  const text = `${ABOUT}:\n\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
  return (request, response) => {
    const isRoot = (request.url ?? '').split('?', 1)[0] === '/';
    const isPage = wantsPage(request.headers.accept);
    const missing = 'There is nothing at this path.';
    const body = isPage
      ? page(isRoot ? undefined : missing, lines, hasInbox)
      : isRoot
        ? text
        : `${missing}\n\n${text}`;
    response.statusCode = isRoot ? 200 : 404;
    response.setHeader('content-type', `text/${isPage ? 'html' : 'plain'}; charset=utf-8`);
    response.setHeader('vary', 'accept');
    response.setHeader('x-content-type-options', 'nosniff');
    if (isPage) response.setHeader('content-security-policy', POLICY);
    // Node leaves it out of an answer to HEAD.
    response.end(body);
    // What was sent along is not wanted, but must be read for the connection to go on.
    request.resume();
  };
}

/** Browsers name HTML when a person goes somewhere; curl and clients of APIs take anything. */
function wantsPage(accept: string | undefined): boolean {
  return /(?:^|,)\s*text\/html\s*(?:;(?!\s*q=0(?:\.0*)?\s*(?:,|$))|,|$)/i.test(accept ?? '');
}

function page(missing: string | undefined, endpoints: readonly string[], hasInbox: boolean): string {
  const links = [
    ...(hasInbox
      ? ['<li><a href="/inbox">The inbox</a>: what the requests look like that arrive here</li>']
      : []),
    '<li><a href="/docs">The reference</a> of the API, and <a href="/openapi.json">its OpenAPI document</a></li>',
    '<li><a href="/v1/webhooks">Webhooks</a>, <a href="/v1/events">events</a> and <a href="/v1/deliveries">deliveries</a>, as JSON</li>',
    '<li><a href="/v1/health">Health</a></li>',
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Carillon</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Carillon</h1>
${missing === undefined ? '' : `<p><strong>${missing}</strong></p>\n`}<p>${ABOUT}.</p>
<ul>
${links.join('\n')}
</ul>
<h2>What can be called</h2>
<ul>
${endpoints.map((line) => `<li><code>${escaped(line)}</code></li>`).join('\n')}
</ul>
</main>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
