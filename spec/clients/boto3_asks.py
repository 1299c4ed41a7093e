"""Asks a server of S3 for all that objects and lists can be asked for. Says "all is well" in the end: boto3_asks.py ENDPOINT"""

import datetime
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from boto3.s3.transfer import TransferConfig

config = Config(signature_version='s3v4', s3={'addressing_style': 'path'}, retries={'max_attempts': 1})
s3 = boto3.client('s3', endpoint_url=sys.argv[1], config=config)

KEYS = sorted([
    ' ', 'a b+c&<>"', 'a//b', '../x', './y', 'line\nfeed', 'control\x01', '\U0001f600/\u00e9', 'dir/a', 'dir/b', 'dir/sub/c', 'perc%41',
    "quote'", 'z', 'dir', 'equals=;', 'x' * 1000,
], key=str.encode)


def equal(expected, got):
    assert expected == got, 'expected %r, got %r' % (expected, got)


def refused(code, status, call, **given):
    try:
        call(**given)
    except ClientError as error:
        equal((code, status), (error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']))
    else:
        raise AssertionError('no %s' % code)


def buckets():
    refused('NoSuchBucket', 404, s3.list_objects_v2, Bucket='bucket')
    refused('404', 404, s3.head_bucket, Bucket='bucket')
    s3.create_bucket(Bucket='bucket')
    s3.create_bucket(Bucket='bucket')
    s3.create_bucket(Bucket='other', CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})
    s3.head_bucket(Bucket='bucket')
    equal(['bucket', 'other'], [each['Name'] for each in s3.list_buckets()['Buckets']])
    equal(None, s3.get_bucket_location(Bucket='bucket')['LocationConstraint'])
    s3.delete_bucket(Bucket='other')
    refused('InvalidBucketName', 400, s3.create_bucket, Bucket='Upper_case')


def objects():
    for key in KEYS:
        s3.put_object(Bucket='bucket', Key=key, Body=key.encode())
    for key in KEYS:
        equal(key.encode(), s3.get_object(Bucket='bucket', Key=key)['Body'].read())
    refused('BucketNotEmpty', 409, s3.delete_bucket, Bucket='bucket')
    refused('NoSuchKey', 404, s3.get_object, Bucket='bucket', Key='none')
    refused('404', 404, s3.head_object, Bucket='bucket', Key='none')


def names(call, field, **given):
    found, prefixes = [], []
    for page in s3.get_paginator(call).paginate(Bucket='bucket', **given):
        found += [each['Key'] for each in page.get(field, [])]
        prefixes += [each['Prefix'] for each in page.get('CommonPrefixes', [])]
    return found, prefixes


def lists():
    folders = sorted({key.split('/')[0] + '/' for key in KEYS if '/' in key}, key=str.encode)
    for call, field in ('list_objects', 'Contents'), ('list_objects_v2', 'Contents'), ('list_object_versions', 'Versions'):
        for size in 1, 2, 1000:
            pages = {'PageSize': size}
            equal((KEYS, []), names(call, field, PaginationConfig=pages))
            equal(([key for key in KEYS if '/' not in key], folders), names(call, field, Delimiter='/', PaginationConfig=pages))
            equal((['dir/a', 'dir/b'], ['dir/sub/']), names(call, field, Prefix='dir/', Delimiter='/', PaginationConfig=pages))
    page = s3.list_objects_v2(Bucket='bucket', StartAfter='dir/a', MaxKeys=1, FetchOwner=True)
    each = page['Contents'][0]
    equal(('dir/b', 5, 'STANDARD', 1, True), (each['Key'], each['Size'], each['StorageClass'], page['KeyCount'], page['IsTruncated']))
    assert each['Owner']['ID']
    assert abs(datetime.datetime.now(datetime.timezone.utc) - each['LastModified']).total_seconds() < 600
    equal(s3.head_object(Bucket='bucket', Key='dir/b')['ETag'], each['ETag'])
    refused('InvalidArgument', 400, s3.list_objects, Bucket='bucket', MaxKeys=-1)


def headers():
    s3.put_object(Bucket='bucket', Key='meta', Body=b'0123456789', ContentType='text/x-test', Metadata={'colour': 'blue'})
    got = s3.get_object(Bucket='bucket', Key='meta', Range='bytes=2-4')
    equal((b'234', 'bytes 2-4/10', 206), (got['Body'].read(), got['ContentRange'], got['ResponseMetadata']['HTTPStatusCode']))
    equal(('text/x-test', {'colour': 'blue'}), (got['ContentType'], got['Metadata']))
    refused('InvalidRange', 416, s3.get_object, Bucket='bucket', Key='meta', Range='bytes=10-')
    refused('PreconditionFailed', 412, s3.get_object, Bucket='bucket', Key='meta', IfMatch='"0"')
    refused('304', 304, s3.get_object, Bucket='bucket', Key='meta', IfNoneMatch=got['ETag'])
    s3.copy_object(Bucket='bucket', Key='copy of it', CopySource={'Bucket': 'bucket', 'Key': 'meta'})
    got = s3.get_object(Bucket='bucket', Key='copy of it')
    equal((b'0123456789', {'colour': 'blue'}), (got['Body'].read(), got['Metadata']))
    link = s3.generate_presigned_url('get_object', Params={'Bucket': 'bucket', 'Key': 'copy of it'})
    equal(b'0123456789', urllib.request.urlopen(link).read())


def parts():
    path, content = sys.argv[2], bytes(range(256)) * 4096 * 11
    with open(path, 'wb') as file:
        file.write(content)
    small = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3.upload_file(path, 'bucket', 'large', Config=small)
    assert s3.head_object(Bucket='bucket', Key='large')['ETag'].endswith('-3"')
    assert s3.get_object(Bucket='bucket', Key='large')['Body'].read() == content
    begun = s3.create_multipart_upload(Bucket='bucket', Key='never')
    s3.upload_part(Bucket='bucket', Key='never', UploadId=begun['UploadId'], PartNumber=1, Body=b'x')
    equal([1], [each['PartNumber'] for each in s3.list_parts(Bucket='bucket', Key='never', UploadId=begun['UploadId'])['Parts']])
    equal(['never'], [each['Key'] for each in s3.list_multipart_uploads(Bucket='bucket')['Uploads']])
    s3.abort_multipart_upload(Bucket='bucket', Key='never', UploadId=begun['UploadId'])
    refused('NoSuchUpload', 404, s3.upload_part, Bucket='bucket', Key='never', UploadId=begun['UploadId'], PartNumber=1, Body=b'x')


def deletions():
    s3.delete_object(Bucket='bucket', Key='large')
    s3.delete_object(Bucket='bucket', Key='large')
    refused('NoSuchKey', 404, s3.get_object, Bucket='bucket', Key='large')
    left = [key for key in KEYS if '\x01' not in key] + ['meta', 'copy of it', 'none']
    gone = s3.delete_objects(Bucket='bucket', Delete={'Objects': [{'Key': key} for key in left]})
    equal(sorted(left), sorted(each['Key'] for each in gone['Deleted']))
    s3.delete_object(Bucket='bucket', Key='control\x01') # which XML cannot say
    equal(([], []), names('list_objects_v2', 'Contents'))
    s3.delete_bucket(Bucket='bucket')
    equal([], s3.list_buckets()['Buckets'])


for step in buckets, objects, lists, headers, parts, deletions:
    step()
print('all is well')
