/** Two enums with the same names, one of the proto files and one of the domain. */
export interface EnumPair<Proto extends number, Domain extends string> {
  /** Undefined for what only the proto has: UNSPECIFIED. */
  toDomain(value: number): Domain | undefined;
  /** UNSPECIFIED, which is 0 in every enum of proto3, for undefined. */
  toProto(value: Domain | undefined): Proto;
}

export function enumPair<Proto extends number, Domain extends string>(
  pairs: Readonly<Record<Domain, Proto>>,
): EnumPair<Proto, Domain> {
  const names = Object.keys(pairs) as Domain[];
  return {
    toDomain: (value) => names.find((name) => pairs[name] === value),
    toProto: (value) => (value === undefined ? (0 as Proto) : pairs[value]),
  };
}
