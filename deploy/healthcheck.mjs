// Asks the server of this container whether it is ready: exit code 0 if so, 1 if not. It goes by the server's settings
// in the environment, and needs nothing but Node, since the image has no curl.
import { get } from 'node:http';
import { get as getOverTls } from 'node:https';

const { CARILLON_LISTEN = '127.0.0.1:8090', CARILLON_TLS_CERT = '' } = process.env;
const port = CARILLON_LISTEN.slice(CARILLON_LISTEN.lastIndexOf(':') + 1);
/** Shorter than the time limit of the health check, so that it is this that says what is wrong. */
const TIMEOUT_MS = 4000;
// The certificate names the server as others call it, and nobody else listens on this port of this container.
const options = { host: '127.0.0.1', port, path: '/readyz', timeout: TIMEOUT_MS, rejectUnauthorized: false };

const request = (CARILLON_TLS_CERT === '' ? get : getOverTls)(options, async (response) => {
  const text = await response.setEncoding('utf8').toArray();
  console.log(text.join('').trim());
  process.exitCode = response.statusCode === 200 ? 0 : 1;
});
request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
request.on('error', (error) => {
  console.log(error.message);
  process.exitCode = 1;
});
