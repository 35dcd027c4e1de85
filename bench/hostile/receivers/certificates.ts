import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** The file of the authority that signed them, which the server is told to trust. */
  readonly authority: string;
  readonly good: Certificate;
  readonly expired: Certificate;
  readonly otherName: Certificate;
  /** By nobody but itself. */
  readonly selfSigned: Certificate;
}

const run = promisify(execFile);

/** Makes certificates with OpenSSL, since Node makes none. */
export async function makeCertificates(parent: string): Promise<Certificates> {
  const folder = join(parent, 'certificates');
  await mkdir(join(folder, 'issued'), { recursive: true });
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  async function selfSigned(name: string, subject: string, extension: string): Promise<void> {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    await openssl('req', '-x509', ...newKey, '-days', '2', '-subj', subject, '-addext', extension, ...files);
  }

  async function signed(name: string, host: string, from: string, to: string): Promise<void> {
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${host}`];
    await openssl('req', ...newKey, ...subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const dates = ['-startdate', from, '-enddate', to];
    await openssl('ca', '-batch', '-config', 'ca.cnf', ...dates, '-in', `${name}.csr`, '-out', `${name}.pem`);
  }

  await writeFile(at('ca.cnf'), CONFIG);
  await writeFile(at('index.txt'), '');
  await writeFile(at('serial'), '01\n');
  await selfSigned('authority', '/CN=Hostile Receivers', 'basicConstraints=critical,CA:TRUE');
  await selfSigned('self', '/CN=localhost', 'subjectAltName=IP:127.0.0.1');
  const [past, ago, future] = ['20200101000000Z', '20200102000000Z', '20990101000000Z'];
  await signed('good', 'IP:127.0.0.1', past, future);
  await signed('expired', 'IP:127.0.0.1', past, ago);
  await signed('other', 'DNS:somebody-else.example', past, future);
  const read = async (name: string): Promise<Certificate> => ({
    cert: await readFile(at(`${name}.pem`), 'utf8'),
    key: await readFile(at(`${name}.key`), 'utf8'),
  });
  return {
    authority: at('authority.pem'),
    good: await read('good'),
    expired: await read('expired'),
    otherName: await read('other'),
    selfSigned: await read('self'),
  };
}

const CONFIG = `
[ca]
default_ca = authority
[authority]
new_certs_dir = issued
database = index.txt
serial = serial
certificate = authority.pem
private_key = authority.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
`;
