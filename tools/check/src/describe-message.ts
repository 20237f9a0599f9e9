import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

/** The fields of a message and of every message and enum that it reaches, one line each, by full name: what of a schema matters to stored data. */
export type MessageDescription = Readonly<Record<string, readonly string[]>>;

/** Describes a message. Comments, options and the order in the file do not matter; google's own messages never change. */
export function describeMessage(message: DescMessage): MessageDescription {
  const lines: Record<string, readonly string[]> = {};
  const visit = (desc: DescMessage) => {
    if (desc.typeName in lines || desc.typeName.startsWith('google.protobuf.')) return;
    const fields = [...desc.fields].sort((a, b) => a.number - b.number);
    lines[desc.typeName] = fields.map(describeField);
    for (const field of fields) {
      if (field.message) visit(field.message);
      if (field.enum) {
        const values = [...field.enum.values].sort((a, b) => a.number - b.number);
        lines[field.enum.typeName] = values.map(({ name, number }) => `${number} ${name}`);
      }
    }
  };
  visit(message);
  return lines;
}

function describeField(field: DescField): string {
  const words = [String(field.number), field.name];
  if (field.jsonName !== toJsonName(field.name)) words.push(`json ${field.jsonName}`);
  if (field.oneof) words.push(`of ${field.oneof.name}`);
  else if (field.presence === 1 && field.fieldKind !== 'message') words.push('optional');
  return [...words, typeOf(field)].join(' ');
}

function typeOf(field: DescField): string {
  if (field.fieldKind === 'list') return `repeated ${elementOf(field)}`;
  if (field.fieldKind === 'map') return `map ${ScalarType[field.mapKey]} ${elementOf(field)}`;
  return elementOf(field);
}

function elementOf(field: DescField): string {
  if (field.message) return field.message.typeName;
  if (field.enum) return field.enum.typeName;
  return ScalarType[field.scalar as ScalarType].toLowerCase();
}

const toJsonName = (name: string) =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
