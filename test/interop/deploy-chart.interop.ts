import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/server/config/load.ts';
import { SETTING_KEYS, settingNames } from '../../src/server/config/settings.ts';
import { VERSION } from '../../src/server/version.ts';
import { blockOf } from '../support/docs.ts';
import { output, ROOT, run, TOOLS } from './tool.ts';

/** The chart of deploy/helm/carillon, as Helm renders it; there need be no cluster. */

const CHART = join(ROOT, 'deploy/helm/carillon');
/** The oldest Kubernetes that the chart takes, and the newest whose schemas are known here. */
const KUBERNETES = ['1.29.0', '1.37.0'];

/** What goes well, with each part of the templates in one of them. */
const INSTALLATIONS: Readonly<Record<string, Values>> = {
  'a volume and TLS': { secretName: 'carillon', tls: { secretName: 'carillon-tls' } },
  'PostgreSQL and TLS': {
    store: 'postgres',
    secretName: 'carillon',
    tls: { secretName: 'carillon-tls', clientCaSecretName: 'callers' },
    settings: { client_roles: ['dns:ci.example.com=manage'] },
  },
  'secrets of its own, and TLS in front of it': {
    store: 'postgres',
    secret: {
      CARILLON_STORE: 'postgres://carillon:hunter2@db/carillon',
      CARILLON_SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
      CARILLON_BOOTSTRAP_KEY: `ck_${'0123456789abcdef'.repeat(4)}`,
    },
    plaintext: true,
    trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
  },
  'everything that can be set': {
    image: { repository: 'registry.example.com/carillon', digest: `sha256:${'a'.repeat(64)}` },
    imagePullSecrets: [{ name: 'registry' }],
    sqlite: { size: '100Gi', storageClassName: 'fast', accessMode: 'ReadWriteOncePod' },
    secretName: 'carillon',
    tls: { secretName: 'carillon-tls' },
    settings: {
      retention: '7d',
      in_flight_max: 1024,
      waiting_max: 20_000_000,
      inbox: true,
      allow_destinations: ['10.20.0.0/16', '*.svc.cluster.local'],
    },
    args: ['--restored', '--take-over'],
    allowedHosts: ['hooks.example.com'],
    clusterDomain: 'k8s.example.com',
    stopTimeoutSeconds: 90,
    startTimeoutSeconds: 60,
    service: { type: 'LoadBalancer', port: 443, grpcPort: 8443, annotations: { a: 'b' } },
    podDisruptionBudget: { maxUnavailable: 0 },
    resources: { limits: { memory: '2Gi' } },
    podAnnotations: { c: 'd' },
    podLabels: { e: 'f' },
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ key: 'x', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
  },
};

describe('the chart', () => {
  for (const [name, values] of Object.entries(INSTALLATIONS)) {
    it(`with ${name} passes helm lint, and is what Kubernetes takes`, async () => {
      await using given = await valuesFile(values);
      await output(TOOLS.helm, ['lint', '--strict', CHART, '--values', given.path]);
      for (const version of KUBERNETES) {
        const { code, stdout, stderr } = await template(given.path, version);
        assert.equal(code, 0, stderr);
        await writeFile(given.rendered, stdout);
        const args = ['--strict', '--kubernetes-version', version, given.rendered];
        await output(TOOLS.kubernetesValidate, args);
      }
    });

    it(`with ${name} gives the server settings that it takes`, async () => {
      const { pod } = await rendered(values);
      const config = await loadConfig('serve', {
        argv: pod.containers[0]!.args.slice(1),
        env: environmentOf(pod),
        cwd: '/',
        terminal: false,
        readFile: async () => undefined,
      });
      assert.equal(config.stopTimeoutMs, (values.stopTimeoutSeconds ?? 20) * 1000);
      assert.equal(pod.terminationGracePeriodSeconds, config.stopTimeoutMs / 1000 + 10);
      assert.equal(config.plaintext, values.plaintext === true);
      assert.deepEqual([config.restored, config.takeOver], Array(2).fill(values.args !== undefined));
      assert.equal(config.waitingMax, values.settings?.waiting_max ?? 10_000_000);
    });
  }

  it('runs one pod, and starts no second one beside it', async () => {
    const sqlite = await rendered(INSTALLATIONS['a volume and TLS']!);
    assert.deepEqual([sqlite.workload.kind, sqlite.workload.spec.replicas], ['StatefulSet', 1]);
    const postgres = await rendered(INSTALLATIONS['PostgreSQL and TLS']!);
    const { kind, spec } = postgres.workload;
    assert.deepEqual([kind, spec.replicas, spec.strategy], ['Deployment', 1, { type: 'Recreate' }]);
    assert.ok(!postgres.pod.containers[0]!.volumeMounts?.some(({ name }) => name === 'data'));
  });

  it('lets the pod write to its volume and nowhere else, as nobody in particular', async () => {
    const { pod } = await rendered(INSTALLATIONS['a volume and TLS']!);
    const [container] = pod.containers;
    const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext;
    assert.deepEqual(
      { runAsNonRoot, runAsUser, seccompProfile, automount: pod.automountServiceAccountToken },
      { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' }, automount: false },
    );
    assert.deepEqual(container!.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual(
      container!.volumeMounts?.filter(({ readOnly }) => readOnly !== true),
      [{ name: 'data', mountPath: '/var/lib/carillon' }],
    );
  });

  it('asks whether it lives and whether it is ready, over TLS where there is TLS', async () => {
    for (const [name, scheme] of [
      ['a volume and TLS', 'HTTPS'],
      ['secrets of its own, and TLS in front of it', 'HTTP'],
    ] as const) {
      const [container] = (await rendered(INSTALLATIONS[name]!)).pod.containers;
      const { livenessProbe, readinessProbe, startupProbe } = container!;
      const probes = [livenessProbe, readinessProbe, startupProbe].map(({ httpGet }) => httpGet);
      const port = scheme.toLowerCase();
      assert.deepEqual(probes, [
        { path: '/livez', port, scheme },
        { path: '/readyz', port, scheme },
        { path: '/livez', port, scheme },
      ]);
      assert.ok(container!.ports.some((each) => each.name === port && each.containerPort === 8090));
    }
  });

  it('shows a secret in no manifest but the Secret', async () => {
    const { text } = await rendered(INSTALLATIONS['secrets of its own, and TLS in front of it']!);
    const others = text.split('\n---\n').filter((each) => !/^kind: Secret$/m.test(each));
    assert.ok(others.length > 2);
    assert.doesNotMatch(others.join('\n'), /hunter2|ck_0123/);
  });

  const withTls = { tls: { secretName: 'tls' } };
  const refused: Readonly<Record<string, [Values, RegExp]>> = {
    'no TLS': [{ secretName: 'a' }, /it would have no TLS.*tls\.secretName, or say plaintext=true/],
    'TLS, and none': [{ secretName: 'a', ...withTls, plaintext: true }, /are both set/],
    'certificates of callers without TLS': [
      { secretName: 'a', plaintext: true, tls: { clientCaSecretName: 'a' } },
      /clientCaSecretName is set without tls\.secretName/,
    ],
    'no key': [withTls, /there is no key.*CARILLON_BOOTSTRAP_KEY/],
    'secrets in two places': [{ ...withTls, secretName: 'a', secret: { CARILLON_X: 'x' } }, /are both set/],
    'PostgreSQL without a secret': [
      { ...withTls, store: 'postgres', settings: { no_keys: true } },
      /store=postgres needs CARILLON_STORE and CARILLON_SECRETS_KEY/,
    ],
    'PostgreSQL without its URL': [
      { ...withTls, store: 'postgres', secret: { CARILLON_SECRETS_KEY: 'x' } },
      /secret lacks CARILLON_STORE/,
    ],
    'the URL of a PostgreSQL that is not used': [
      { ...withTls, secret: { CARILLON_STORE: 'postgres://x' } },
      /say store=postgres/,
    ],
    'a value that there is not': [{ secretName: 'a', ...withTls, replicas: 3 }, /replicas/],
    'a setting that the chart makes itself': [
      { secretName: 'a', ...withTls, settings: { listen: '0.0.0.0:80' } },
      /listen/,
    ],
    'a flag that is a setting': [{ secretName: 'a', ...withTls, args: ['--inbox'] }, /args/],
    'a setting that is secret': [
      { secretName: 'a', ...withTls, settings: { egress_proxy: 'http://u:p@x' } },
      /egress_proxy/,
    ],
  };
  for (const [what, [values, why]] of Object.entries(refused)) {
    it(`refuses ${what}, and says what to do`, async () => {
      await using given = await valuesFile(values);
      const { code, stderr } = await template(given.path);
      assert.equal(code, 1);
      assert.match(stderr, why);
    });
  }

  it('is installed as the page about it says', async () => {
    for (const name of ['sqlite', 'postgres']) {
      const block = blockOf('docs/deploying.md', 'helm', name);
      const [, args = ''] = /helm install (.*)$/s.exec(block.replaceAll('\\\n', ' ')) ?? [];
      const words = args.trim().split(/\s+/);
      const offline = ['--kube-version', KUBERNETES.at(-1)!];
      await output(TOOLS.helm, ['template', ...words, ...offline], { cwd: ROOT });
    }
  });

  it('is given a flag for one start, and loses it, as the page about it says', async () => {
    const lines = blockOf('docs/deploying.md', 'helm', 'once').trim().split('\n');
    const sets = lines.map((line) => /--set '([^']+)'$/.exec(line)?.[1] ?? assert.fail(line));
    await using given = await valuesFile(INSTALLATIONS['a volume and TLS']!);
    const args: string[] = [];
    for (const set of sets) {
      const { stdout, stderr } = await template(given.path, KUBERNETES.at(-1), ['--set', set]);
      args.push(/^ +args: (.*)$/m.exec(stdout)?.[1] ?? assert.fail(stderr));
    }
    assert.deepEqual(args, ['["serve","--take-over"]', '["serve"]']);
  });

  it('has the version of the program, and a schema that names each of its values', () => {
    const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Record<string, string>;
    assert.deepEqual([chart.version, chart.appVersion], [VERSION, VERSION]);
    const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as object;
    const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as {
      properties: { settings: { propertyNames: { not: { enum: string[] } } } };
    };
    const { global: _, ...named } = schema.properties as Record<string, unknown>;
    assert.deepEqual(Object.keys(named).toSorted(), Object.keys(values).toSorted());
    // A setting that has another name by now would be refused no more.
    const names = ['config', ...SETTING_KEYS.map((key) => settingNames(key).toml)];
    for (const kept of schema.properties.settings.propertyNames.not.enum)
      assert.ok(names.includes(kept), kept);
  });
});

type Values = Readonly<Record<string, unknown>> & {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly stopTimeoutSeconds?: number;
};

interface Probe {
  readonly httpGet: Readonly<Record<'path' | 'port' | 'scheme', string>>;
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly {
    readonly args: string[];
    readonly env: { name: string; value?: string; valueFrom?: object }[];
    readonly ports: { name: string; containerPort: number }[];
    readonly securityContext: object;
    readonly volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
    readonly livenessProbe: Probe;
    readonly readinessProbe: Probe;
    readonly startupProbe: Probe;
  }[];
}

interface Workload {
  readonly kind: string;
  readonly spec: { readonly replicas: number; readonly strategy?: object; readonly template: { spec: Pod } };
}

async function valuesFile(values: Values) {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-chart-'));
  const path = join(folder, 'values.json');
  await writeFile(path, JSON.stringify(values));
  return {
    path,
    rendered: join(folder, 'rendered.yaml'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

function template(values: string, version = KUBERNETES.at(-1)!, more: readonly string[] = []) {
  const args = ['template', 'carillon', CHART, '--namespace', 'hooks', '--values', values];
  return run(TOOLS.helm, [...args, '--kube-version', version, ...more]);
}

async function rendered(values: Values): Promise<{ text: string; workload: Workload; pod: Pod }> {
  await using given = await valuesFile(values);
  const { stdout: text, stderr } = await template(given.path);
  const documents = parseAllDocuments(text).map((each) => each.toJS() as Workload);
  const workload = documents.find(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment');
  assert.ok(workload, stderr);
  return { text, workload, pod: workload.spec.template.spec };
}

/** What the server finds in its environment; of a Secret, something of the right form. */
function environmentOf({ containers: [container] }: Pod): Record<string, string> {
  const secret: Record<string, string> = {
    CARILLON_STORE: 'postgres://carillon:hunter2@db/carillon',
    CARILLON_SECRETS_KEY: 'a'.repeat(64),
  };
  return Object.fromEntries(
    container!.env.map(({ name, value }) => [name, value ?? secret[name] ?? assert.fail(name)]),
  );
}
