import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { StatusSchema } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { fromServiceError } from './status.ts';

const garbage = Uint8Array.of(0xff, 0xff, 0xff);
const typeUrl = 'type.googleapis.com/google.rpc.ErrorInfo';

describe('fromServiceError()', () => {
  test.each([
    ['no status', garbage],
    [
      'a status with a broken detail',
      toBinary(
        StatusSchema,
        create(StatusSchema, { details: [create(AnySchema, { typeUrl, value: garbage })] }),
      ),
    ],
  ])('goes by the code where the details are %s', (_, bytes) => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from(bytes));
    const error = Object.assign(new Error(), { code: status.UNAVAILABLE, details: '', metadata });
    expect(fromServiceError(error as ServiceError).reason).toBe('DEPENDENCY_UNAVAILABLE');
  });
});
