import {
  CompatibilitySignature_Algorithm as Algorithm,
  CompatibilitySignature_Content as Content,
  CompatibilitySignature_Encoding as Encoding,
  CompatibilitySignature_KeyForm as KeyForm,
  type CompatibilitySignature as Message,
} from '../../../gen/carillon/v1/credentials_pb.ts';
import type { AskedCompatibility } from '../../domain/webhook/compatibility.ts';
import { enumPair } from './enum-pair.ts';

const ALGORITHMS = enumPair({ HMAC_SHA256: Algorithm.HMAC_SHA256, HMAC_SHA1: Algorithm.HMAC_SHA1 });
const ENCODINGS = enumPair({ HEX: Encoding.HEX, BASE64: Encoding.BASE64 });
const KEY_FORMS = enumPair({ TEXT: KeyForm.TEXT, BASE64: KeyForm.BASE64 });
const CONTENTS = enumPair({ BODY: Content.BODY, TIMESTAMP_BODY: Content.TIMESTAMP_BODY });

/** All of it but the secret. */
export function compatibilityFrom(message: Message): AskedCompatibility {
  const algorithm = ALGORITHMS.toDomain(message.algorithm);
  const encoding = ENCODINGS.toDomain(message.encoding);
  const keyForm = KEY_FORMS.toDomain(message.keyForm);
  const content = CONTENTS.toDomain(message.content);
  return {
    header: message.header,
    ...(message.value !== '' && { value: message.value }),
    ...(algorithm !== undefined && { algorithm }),
    ...(encoding !== undefined && { encoding }),
    ...(keyForm !== undefined && { keyForm }),
    ...(content !== undefined && { content }),
  };
}

export function compatibilityTo(asked: AskedCompatibility) {
  return {
    header: asked.header,
    value: asked.value ?? '',
    algorithm: ALGORITHMS.toProto(asked.algorithm),
    encoding: ENCODINGS.toProto(asked.encoding),
    keyForm: KEY_FORMS.toProto(asked.keyForm),
    content: CONTENTS.toProto(asked.content),
  };
}
