/**
 * The shapes of the API's inputs, as data: what JSON type each member has, and what its value must satisfy. `deserialize`
 * walks them for the first, `constraintErrors` for the second.
 */
export type Shape =
  | StringShape
  | BooleanShape
  | IntegerShape
  | TimestampShape
  | BlobShape
  | ListShape
  | MapShape
  | StructureShape;

export interface StringShape {
  readonly type: 'string';
  readonly constraints: readonly Constraint[];
}

export interface BooleanShape {
  readonly type: 'boolean';
  readonly constraints: readonly Constraint[];
}

export interface IntegerShape {
  readonly type: 'integer' | 'long';
  readonly constraints: readonly Constraint[];
}

/** Seconds since 1970, with fractions, as the JSON protocol has moments. */
export interface TimestampShape {
  readonly type: 'timestamp';
  readonly constraints: readonly Constraint[];
}

export interface BlobShape {
  readonly type: 'blob';
  readonly constraints: readonly Constraint[];
}

export interface ListShape {
  readonly type: 'list';
  readonly element: Shape;
  /** Null elements are left where they are, for whoever checks what is in the list. */
  readonly keepsNull?: true;
  readonly constraints: readonly Constraint[];
}

export interface MapShape {
  readonly type: 'map';
  readonly value: Shape;
  readonly constraints: readonly Constraint[];
}

export interface StructureShape {
  readonly type: 'structure';
  /** AWS's name, which appears in texts. */
  readonly name: string;
  readonly members: ReadonlyMap<string, Member>;
  /** The members that constraints are about, or about something inside. */
  readonly constrained: readonly Member[];
  readonly constraints: readonly Constraint[];
}

export interface Member {
  readonly name: string;
  /** The name as constraint errors spell it: its first letter small. */
  readonly path: string;
  readonly shape: Shape;
  readonly required: boolean;
}

/** One thing that a value must satisfy. */
export interface Constraint {
  readonly holds: (value: never) => boolean;
  /** What comes after `failed to satisfy constraint: `. */
  readonly text: string;
  /**
   * Some checks of AWS do not print the value, and spell the path as the API does: `Value at 'Limit' failed ...`
   * instead of `Value '0' at 'limit' failed ...`.
   */
  readonly terse?: true;
  /** Some print the value as the request's JSON has it. */
  readonly json?: true;
  /** Some print nothing but the text. */
  readonly bare?: true;
}

export const boolean: BooleanShape = { type: 'boolean', constraints: [] };
export const blob: BlobShape = { type: 'blob', constraints: [] };
export const timestamp: TimestampShape = { type: 'timestamp', constraints: [] };

/** Constraints are checked and reported in the order given. */
export function string(...constraints: Constraint[]): StringShape {
  return { type: 'string', constraints };
}

export function integer(...constraints: Constraint[]): IntegerShape {
  return { type: 'integer', constraints };
}

export function long(...constraints: Constraint[]): IntegerShape {
  return { type: 'long', constraints };
}

export function list(element: Shape, ...constraints: Constraint[]): ListShape {
  return { type: 'list', element, constraints };
}

export function map(value: Shape, ...constraints: Constraint[]): MapShape {
  return { type: 'map', value, constraints };
}

/** @param members in the order in which AWS reports what is wrong with them. */
export function structure(name: string, members: Readonly<Record<string, Shape | Required>>): StructureShape {
  const all = Object.entries(members).map(([member, shape]) => newMember(member, shape));
  return {
    type: 'structure',
    name,
    members: new Map(all.map((member) => [member.name, member])),
    constrained: all.filter((member) => member.required || isConstrained(member.shape)),
    constraints: [],
  };
}

export interface Required {
  readonly required: Shape;
}

/** The member must not be null. */
export function required(shape: Shape): Required {
  return { required: shape };
}

function newMember(name: string, shape: Shape | Required): Member {
  const path = name.charAt(0).toLowerCase() + name.slice(1);
  return 'required' in shape
    ? { name, path, shape: shape.required, required: true }
    : { name, path, shape, required: false };
}

/** Whether anything inside values of this shape has to be looked at for constraints. */
export function isConstrained(shape: Shape): boolean {
  if (shape.constraints.length > 0) return true;
  switch (shape.type) {
    case 'list':
      return isConstrained(shape.element);
    case 'map':
      return isConstrained(shape.value);
    case 'structure':
      return shape.constrained.length > 0;
    default:
      return false;
  }
}

/**
 * An attribute value, which holds attribute values. Its members carry no constraints: `canonicalValue` checks what is
 * inside.
 */
export const attributeValue: StructureShape = newAttributeValue();

export const attributeMap: MapShape = map(attributeValue);

function newAttributeValue(): StructureShape {
  const members = new Map<string, Member>();
  const shape: StructureShape = {
    type: 'structure',
    name: 'AttributeValue',
    members,
    constrained: [],
    constraints: [],
  };
  const shapes: Record<string, Shape> = {
    S: string(),
    N: string(),
    B: blob,
    SS: { ...list(string()), keepsNull: true },
    NS: { ...list(string()), keepsNull: true },
    BS: { ...list(blob), keepsNull: true },
    M: { type: 'map', value: shape, constraints: [] },
    L: { type: 'list', element: shape, constraints: [] },
    NULL: boolean,
    BOOL: boolean,
  };
  for (const [name, member] of Object.entries(shapes)) members.set(name, newMember(name, member));
  return shape;
}
