import type { ServiceImpl } from '@connectrpc/connect';
import type { AdminService } from '../../../gen/carillon/v1/admin_pb.ts';
import type { UpdateNamespaceRequest } from '../../../gen/carillon/v1/namespace_pb.ts';
import type { AskedQuotas } from '../../domain/access/namespace.ts';
import { noProblems, type Problems } from '../../domain/problems.ts';
import { quote } from '../../domain/text.ts';
import { namespaceTo, QUOTA_PATHS, quotasFrom } from '../convert/namespace.ts';
import type { ApiDeps } from '../deps.ts';
import { checkIsForAll, theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import { principalOf } from '../transport/principal.ts';

type NamespaceMethods = Pick<
  ServiceImpl<typeof AdminService>,
  | 'createNamespace'
  | 'getNamespace'
  | 'listNamespaces'
  | 'updateNamespace'
  | 'suspendNamespace'
  | 'resumeNamespace'
  | 'deleteNamespace'
>;

/** What a namespace takes on the wire, about. */
const NAMESPACE_BYTES = 300;

/** The methods of AdminService that are about namespaces. */
export function namespaceMethods({ control }: Pick<ApiDeps, 'control'>): NamespaceMethods {
  const { namespaces } = control;
  return {
    async createNamespace({ name, quotas }, context) {
      checkIsForAll(principalOf(context));
      return { namespace: namespaceTo(await namespaces.create(name, quotasFrom(quotas))) };
    },

    async getNamespace({ name }, context) {
      return { namespace: namespaceTo(await namespaces.get(theNamespace(name, principalOf(context)))) };
    },

    async listNamespaces({ pageSize, pageToken }, context) {
      const { namespace: own } = principalOf(context);
      if (own !== undefined) return { namespaces: [namespaceTo(await namespaces.get(own))] };
      const { rows, nextPageToken } = await readPage({
        query: ['ListNamespaces'],
        pageSize,
        pageToken,
        read: namespaces.list(),
        placeOf: ({ namespace }) => namespace.name,
        bytesOf: () => NAMESPACE_BYTES,
        signal: context.signal,
      });
      return { namespaces: rows.map(namespaceTo), nextPageToken };
    },

    async updateNamespace(request, context) {
      checkIsForAll(principalOf(context));
      const problems = noProblems();
      const named = namedQuotas(request, problems);
      problems.raise();
      const wanted = quotasFrom(request.quotas);
      const revise = (found: AskedQuotas) => withQuotas(found, wanted, named);
      return { namespace: namespaceTo(await namespaces.update(request, revise, problems)) };
    },

    async suspendNamespace(request, context) {
      checkIsForAll(principalOf(context));
      return { namespace: namespaceTo(await namespaces.suspend(request)) };
    },

    async resumeNamespace(request, context) {
      checkIsForAll(principalOf(context));
      return { namespace: namespaceTo(await namespaces.resume(request)) };
    },

    async deleteNamespace(request, context) {
      checkIsForAll(principalOf(context));
      return { namespace: namespaceTo(await namespaces.delete(request, request.force)) };
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The quotas that an update is about (AIP-134): those that its mask names, or else those that it gives. */
function namedQuotas(
  { updateMask, quotas }: UpdateNamespaceRequest,
  problems: Problems,
): ReadonlySet<string> {
  const paths = updateMask?.paths ?? [];
  if (paths.length === 0) return new Set(Object.keys(quotasFrom(quotas)));
  const known: Readonly<Record<string, string>> = QUOTA_PATHS;
  if (paths.includes('*')) return new Set(Object.values(known));
  const unknown = paths.find((path) => !Object.hasOwn(known, path));
  if (unknown !== undefined) {
    const names = Object.keys(known).join(', ');
    problems.add('update_mask', `names ${quote(unknown)}, which is no quota; it can name ${names}`);
  }
  return new Set(paths.map((path) => known[path] ?? ''));
}

function withQuotas(found: AskedQuotas, wanted: AskedQuotas, named: ReadonlySet<string>): AskedQuotas {
  const isNamed = ([quota]: [string, unknown]) => named.has(quota);
  const kept = Object.entries(found).filter((entry) => !isNamed(entry));
  return Object.fromEntries([...kept, ...Object.entries(wanted).filter(isNamed)]);
}
