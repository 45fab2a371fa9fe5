"""The calls that scenarios make of moto through the proxy: service, operation, parameters, and what a record must say where
it does not follow from the rules of `proxy_record`. A flat table; values of earlier answers are kept under names."""

import io
import json
import zipfile
from dataclasses import dataclass, field

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
ROLE = "arn:aws:iam::123456789012:role/runner"
TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "from-a-stack"}}}})
LIFECYCLE = json.dumps({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]})
MACHINE = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})


def archive():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        # A date of its own, so that the same archive is made whenever the scenario runs.
        file.writestr(zipfile.ZipInfo("index.py", (2026, 1, 1, 0, 0, 0)), "def handler(event, context):\n    return event\n")
    return packed.getvalue()


@dataclass
class Call:
    service: str
    operation: str
    parameters: object = field(default_factory=dict)
    # Name → JMESPath into the answer.
    keep: dict = field(default_factory=dict)
    # The code that the upstream refuses it with; `...`: whatever the upstream says.
    error: str = None
    # eventName, where it is not the operation's.
    name: str = None
    # readOnly, where it does not follow from the verb.
    reads: bool = None
    data: bool = False
    # requestParameters whole, or members that must be among them, where they do not follow from the parameters.
    request: object = None
    request_has: dict = None
    # The same of responseElements; `False`: it is not checked.
    response: object = None
    response_has: dict = None
    # Members of requestParameters that must be hidden, by their path.
    hidden: tuple = ()
    # Values of the answer that are secret, by JMESPath.
    secret: tuple = ()
    # Types of resources that the record must name.
    resources: tuple = ()

    def given(self, seen):
        return self.parameters(seen) if callable(self.parameters) else self.parameters


C = Call


def items(*values):
    """A list as EC2's records have it."""
    return {"items": list(values)}


IAM = [
    C("iam", "CreateUser", {"UserName": "dana", "Tags": [{"Key": "team", "Value": "audit"}]}),
    C("iam", "GetUser", {"UserName": "dana"}),
    C("iam", "ListUsers"),
    C("iam", "TagUser", {"UserName": "dana", "Tags": [{"Key": "floor", "Value": "3"}]}),
    C("iam", "ListUserTags", {"UserName": "dana"}),
    C("iam", "UntagUser", {"UserName": "dana", "TagKeys": ["floor"]}),
    C("iam", "CreateAccessKey", {"UserName": "dana"}, keep={"key": "AccessKey.AccessKeyId"}, secret=("AccessKey.SecretAccessKey",)),
    C("iam", "ListAccessKeys", {"UserName": "dana"}),
    C("iam", "UpdateAccessKey", lambda s: {"UserName": "dana", "AccessKeyId": s["key"], "Status": "Inactive"}),
    C("iam", "GetAccessKeyLastUsed", lambda s: {"AccessKeyId": s["key"]}),
    C("iam", "DeleteAccessKey", lambda s: {"UserName": "dana", "AccessKeyId": s["key"]}),
    C("iam", "CreateLoginProfile", {"UserName": "dana", "Password": "Correct-Horse-7-Battery", "PasswordResetRequired": True}, hidden=("password",)),
    C("iam", "GetLoginProfile", {"UserName": "dana"}),
    C("iam", "UpdateLoginProfile", {"UserName": "dana", "Password": "Another-Horse-8-Battery"}, hidden=("password",)),
    C("iam", "DeleteLoginProfile", {"UserName": "dana"}),
    C("iam", "CreateGroup", {"GroupName": "auditors"}),
    C("iam", "AddUserToGroup", {"GroupName": "auditors", "UserName": "dana"}),
    C("iam", "GetGroup", {"GroupName": "auditors"}),
    C("iam", "ListGroups"),
    C("iam", "ListGroupsForUser", {"UserName": "dana"}),
    C("iam", "PutGroupPolicy", {"GroupName": "auditors", "PolicyName": "inline", "PolicyDocument": POLICY}),
    C("iam", "GetGroupPolicy", {"GroupName": "auditors", "PolicyName": "inline"}),
    C("iam", "RemoveUserFromGroup", {"GroupName": "auditors", "UserName": "dana"}),
    C("iam", "CreateRole", {"RoleName": "runner", "AssumeRolePolicyDocument": TRUST, "MaxSessionDuration": 3600}),
    C("iam", "GetRole", {"RoleName": "runner"}),
    C("iam", "ListRoles", {"MaxItems": 10}),
    C("iam", "UpdateAssumeRolePolicy", {"RoleName": "runner", "PolicyDocument": TRUST}),
    C("iam", "PutRolePolicy", {"RoleName": "runner", "PolicyName": "inline", "PolicyDocument": POLICY}),
    C("iam", "GetRolePolicy", {"RoleName": "runner", "PolicyName": "inline"}),
    C("iam", "ListRolePolicies", {"RoleName": "runner"}),
    C("iam", "DeleteRolePolicy", {"RoleName": "runner", "PolicyName": "inline"}),
    C("iam", "CreatePolicy", {"PolicyName": "readers", "PolicyDocument": POLICY}, keep={"policy": "Policy.Arn"}),
    C("iam", "GetPolicy", lambda s: {"PolicyArn": s["policy"]}),
    C("iam", "CreatePolicyVersion", lambda s: {"PolicyArn": s["policy"], "PolicyDocument": POLICY, "SetAsDefault": True}),
    C("iam", "ListPolicyVersions", lambda s: {"PolicyArn": s["policy"]}),
    C("iam", "AttachRolePolicy", lambda s: {"RoleName": "runner", "PolicyArn": s["policy"]}),
    C("iam", "ListAttachedRolePolicies", {"RoleName": "runner"}),
    C("iam", "DetachRolePolicy", lambda s: {"RoleName": "runner", "PolicyArn": s["policy"]}),
    C("iam", "AttachUserPolicy", lambda s: {"UserName": "dana", "PolicyArn": s["policy"]}),
    C("iam", "DetachUserPolicy", lambda s: {"UserName": "dana", "PolicyArn": s["policy"]}),
    C("iam", "CreateInstanceProfile", {"InstanceProfileName": "profile"}),
    C("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": "profile", "RoleName": "runner"}),
    C("iam", "RemoveRoleFromInstanceProfile", {"InstanceProfileName": "profile", "RoleName": "runner"}),
    C("iam", "GetAccountSummary"),
    C("iam", "UpdateAccountPasswordPolicy", {"MinimumPasswordLength": 14, "RequireSymbols": True}),
    C("iam", "GetUser", {"UserName": "nobody"}, error="NoSuchEntity"),
    C("iam", "CreateUser", {"UserName": "dana"}, error="EntityAlreadyExists"),
    C("iam", "DeleteUser", {"UserName": "nobody"}, error="NoSuchEntity"),
]

STS = [
    C("sts", "GetCallerIdentity"),
    C("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "session", "DurationSeconds": 900}, reads=True,
      secret=("Credentials.SecretAccessKey", "Credentials.SessionToken"), response=False, response_has={"assumedRoleUser": {"arn": "arn:aws:sts::123456789012:assumed-role/runner/session"}},
      resources=("AWS::IAM::Role",)),
    C("sts", "GetSessionToken", {"DurationSeconds": 900}, reads=False, secret=("Credentials.SecretAccessKey", "Credentials.SessionToken"), response=False),
    C("sts", "GetFederationToken", {"Name": "guest", "DurationSeconds": 900}, reads=False,
      secret=("Credentials.SecretAccessKey", "Credentials.SessionToken"), response=False),
    C("sts", "GetAccessKeyInfo", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
]

EC2 = [
    C("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16", "AmazonProvidedIpv6CidrBlock": False, "TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "net"}]}]},
      keep={"vpc": "Vpc.VpcId"}, request_has={"cidrBlock": "10.0.0.0/16", "tagSpecificationSet": items({"resourceType": "vpc", "tags": [{"key": "Name", "value": "net"}]})},
      response_has={"vpc": {"cidrBlock": "10.0.0.0/16"}}),
    C("ec2", "DescribeVpcs", lambda s: {"VpcIds": [s["vpc"]]}, request_has=lambda s: {"vpcSet": items({"vpcId": s["vpc"]})}),
    C("ec2", "DescribeVpcAttribute", lambda s: {"VpcId": s["vpc"], "Attribute": "enableDnsSupport"}, request_has=lambda s: {"vpcId": s["vpc"]}),
    C("ec2", "ModifyVpcAttribute", lambda s: {"VpcId": s["vpc"], "EnableDnsHostnames": {"Value": True}}, request_has=lambda s: {"vpcId": s["vpc"]}),
    C("ec2", "CreateSubnet", lambda s: {"VpcId": s["vpc"], "CidrBlock": "10.0.1.0/24"}, keep={"subnet": "Subnet.SubnetId"},
      request_has=lambda s: {"vpcId": s["vpc"], "cidrBlock": "10.0.1.0/24"}, response_has={"subnet": {"cidrBlock": "10.0.1.0/24"}}),
    C("ec2", "DescribeSubnets", lambda s: {"Filters": [{"Name": "vpc-id", "Values": [s["vpc"]]}]},
      request_has=lambda s: {"filterSet": items({"name": "vpc-id", "valueSet": items({"value": s["vpc"]})})}),
    C("ec2", "CreateSecurityGroup", lambda s: {"GroupName": "web", "Description": "web servers", "VpcId": s["vpc"]}, keep={"group": "GroupId"},
      request_has=lambda s: {"groupName": "web", "groupDescription": "web servers", "vpcId": s["vpc"]}),
    C("ec2", "AuthorizeSecurityGroupIngress", lambda s: {"GroupId": s["group"], "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}]},
      request_has=lambda s: {"groupId": s["group"], "ipPermissions": items({"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": items({"cidrIp": "0.0.0.0/0", "description": "all"})})}),
    C("ec2", "DescribeSecurityGroups", lambda s: {"GroupIds": [s["group"]]}, request_has=lambda s: {"securityGroupIdSet": items({"groupId": s["group"]})}),
    C("ec2", "RevokeSecurityGroupIngress", lambda s: {"GroupId": s["group"], "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}]},
      request_has=lambda s: {"groupId": s["group"]}),
    C("ec2", "CreateInternetGateway", keep={"gateway": "InternetGateway.InternetGatewayId"}, request_has={}, response_has={}),
    C("ec2", "AttachInternetGateway", lambda s: {"InternetGatewayId": s["gateway"], "VpcId": s["vpc"]}, request_has=lambda s: {"internetGatewayId": s["gateway"], "vpcId": s["vpc"]}),
    C("ec2", "DescribeInternetGateways", request_has={}),
    C("ec2", "CreateRouteTable", lambda s: {"VpcId": s["vpc"]}, keep={"routes": "RouteTable.RouteTableId"}, request_has=lambda s: {"vpcId": s["vpc"]}),
    C("ec2", "CreateRoute", lambda s: {"RouteTableId": s["routes"], "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": s["gateway"]},
      request_has=lambda s: {"routeTableId": s["routes"], "destinationCidrBlock": "0.0.0.0/0", "gatewayId": s["gateway"]}),
    C("ec2", "AssociateRouteTable", lambda s: {"RouteTableId": s["routes"], "SubnetId": s["subnet"]}, request_has=lambda s: {"routeTableId": s["routes"], "subnetId": s["subnet"]}),
    C("ec2", "DescribeRouteTables", request_has={}),
    C("ec2", "CreateKeyPair", {"KeyName": "ops"}, request_has={"keyName": "ops"}, secret=("KeyMaterial",), response_has={"keyName": "ops"}),
    C("ec2", "DescribeKeyPairs", request_has={}),
    C("ec2", "DeleteKeyPair", {"KeyName": "ops"}, request_has={"keyName": "ops"}),
    C("ec2", "DescribeImages", {"Owners": ["amazon"], "Filters": [{"Name": "architecture", "Values": ["x86_64"]}], "MaxResults": 5}, keep={"image": "Images[0].ImageId"},
      request_has={"ownersSet": items({"owner": "amazon"})}),
    C("ec2", "RunInstances", lambda s: {"ImageId": s["image"], "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", "SubnetId": s["subnet"], "UserData": "#!/bin/sh\necho user-data-is-secret-5150", "ClientToken": "one"},
      keep={"instance": "Instances[0].InstanceId"}, request_has=lambda s: {"instancesSet": items({"imageId": s["image"], "minCount": 1, "maxCount": 1}), "instanceType": "t3.micro"},
      response_has={"ownerId": "123456789012"}),
    C("ec2", "DescribeInstances", lambda s: {"InstanceIds": [s["instance"]]}, request_has=lambda s: {"instancesSet": items({"instanceId": s["instance"]})}),
    C("ec2", "StopInstances", lambda s: {"InstanceIds": [s["instance"]]}, request_has=lambda s: {"instancesSet": items({"instanceId": s["instance"]})}),
    C("ec2", "StartInstances", lambda s: {"InstanceIds": [s["instance"]]}, request_has=lambda s: {"instancesSet": items({"instanceId": s["instance"]})}),
    C("ec2", "CreateTags", lambda s: {"Resources": [s["instance"]], "Tags": [{"Key": "a", "Value": "b"}]},
      request_has=lambda s: {"resourcesSet": items({"resourceId": s["instance"]}), "tagSet": items({"key": "a", "value": "b"})}),
    C("ec2", "DescribeTags", request_has={}),
    C("ec2", "CreateVolume", {"AvailabilityZone": "eu-west-1a", "Size": 8, "Encrypted": True}, keep={"volume": "VolumeId"}, request_has={"zone": "eu-west-1a", "size": "8"}),
    C("ec2", "AttachVolume", lambda s: {"VolumeId": s["volume"], "InstanceId": s["instance"], "Device": "/dev/sdf"}, request_has=lambda s: {"volumeId": s["volume"], "instanceId": s["instance"], "device": "/dev/sdf"}),
    C("ec2", "DescribeVolumes", request_has={}),
    C("ec2", "CreateSnapshot", lambda s: {"VolumeId": s["volume"], "Description": "before"}, keep={"snapshot": "SnapshotId"}, request_has=lambda s: {"volumeId": s["volume"]}),
    C("ec2", "ModifySnapshotAttribute", lambda s: {"SnapshotId": s["snapshot"], "CreateVolumePermission": {"Add": [{"UserId": "210987654321"}]}},
      request_has=lambda s: {"snapshotId": s["snapshot"], "createVolumePermission": {"add": items({"userId": "210987654321"})}}),
    C("ec2", "DescribeSnapshots", {"OwnerIds": ["self"]}, request_has={}),
    C("ec2", "AllocateAddress", {"Domain": "vpc"}, keep={"address": "AllocationId"}, request_has={"domain": "vpc"}),
    C("ec2", "ReleaseAddress", lambda s: {"AllocationId": s["address"]}, request_has=lambda s: {"allocationId": s["address"]}),
    C("ec2", "DescribeRegions", request_has={}),
    C("ec2", "DescribeAvailabilityZones", request_has={}),
    C("ec2", "TerminateInstances", lambda s: {"InstanceIds": [s["instance"]]}, request_has=lambda s: {"instancesSet": items({"instanceId": s["instance"]})}),
    C("ec2", "DescribeInstances", {"InstanceIds": ["i-0123456789abcdef0"]}, error="InvalidInstanceID.NotFound", request_has={"instancesSet": items({"instanceId": "i-0123456789abcdef0"})}),
    C("ec2", "DeleteVpc", {"VpcId": "vpc-00000000000000000"}, error="InvalidVpcID.NotFound", request_has={"vpcId": "vpc-00000000000000000"}),
]

ITEM = {"id": {"S": "order-1"}, "card": {"S": "content-4111-1111"}}
DYNAMODB = [
    C("dynamodb", "CreateTable", {"TableName": "orders", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                                  "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"},
      resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "DescribeTable", {"TableName": "orders"}, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "ListTables"),
    C("dynamodb", "PutItem", {"TableName": "orders", "Item": ITEM}, data=True, request_has={"tableName": "orders"}, response=False, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "GetItem", {"TableName": "orders", "Key": {"id": {"S": "order-1"}}}, data=True, request_has={"tableName": "orders"}, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "UpdateItem", {"TableName": "orders", "Key": {"id": {"S": "order-1"}}, "UpdateExpression": "SET #s = :s", "ExpressionAttributeNames": {"#s": "state"},
                                 "ExpressionAttributeValues": {":s": {"S": "paid"}}}, data=True, request_has={"tableName": "orders"}, response=False, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "Query", {"TableName": "orders", "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "order-1"}}},
      data=True, reads=True, request_has={"tableName": "orders"}, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "Scan", {"TableName": "orders"}, data=True, reads=True, request_has={"tableName": "orders"}, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "BatchWriteItem", {"RequestItems": {"orders": [{"PutRequest": {"Item": {"id": {"S": "order-2"}}}}]}}, data=True, request_has={}, response=False, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "BatchGetItem", {"RequestItems": {"orders": {"Keys": [{"id": {"S": "order-2"}}]}}}, data=True, reads=True, request_has={}, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "DeleteItem", {"TableName": "orders", "Key": {"id": {"S": "order-2"}}}, data=True, request_has={"tableName": "orders"}, response=False, resources=("AWS::DynamoDB::Table",)),
    C("dynamodb", "UpdateTable", {"TableName": "orders", "DeletionProtectionEnabled": False}),
    C("dynamodb", "UpdateTimeToLive", {"TableName": "orders", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"}}),
    C("dynamodb", "DescribeTimeToLive", {"TableName": "orders"}),
    C("dynamodb", "UpdateContinuousBackups", {"TableName": "orders", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}),
    C("dynamodb", "DescribeContinuousBackups", {"TableName": "orders"}),
    C("dynamodb", "GetItem", {"TableName": "nowhere", "Key": {"id": {"S": "x"}}}, error="ResourceNotFoundException", data=True, request_has={"tableName": "nowhere"}),
    C("dynamodb", "DeleteTable", {"TableName": "orders"}),
    C("dynamodb", "DescribeTable", {"TableName": "orders"}, error="ResourceNotFoundException"),
]

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:echo"
LAMBDA = [
    C("lambda", "CreateFunction", lambda s: {"FunctionName": "echo", "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler", "Code": {"ZipFile": archive()}, "Timeout": 3,
                                             "Environment": {"Variables": {"TOKEN": "variable-secret-99"}}},
      name="CreateFunction20150331", request_has={"functionName": "echo", "runtime": "python3.12", "role": ROLE, "handler": "index.handler", "timeout": 3},
      response_has={"functionName": "echo", "functionArn": FUNCTION}),
    C("lambda", "GetFunction", {"FunctionName": "echo"}, name="GetFunction20150331v2"),
    C("lambda", "GetFunctionConfiguration", {"FunctionName": "echo"}, name="GetFunctionConfiguration20150331v2"),
    C("lambda", "ListFunctions", name="ListFunctions20150331"),
    C("lambda", "UpdateFunctionConfiguration", {"FunctionName": "echo", "Timeout": 5}, name="UpdateFunctionConfiguration20150331v2", response_has={"functionName": "echo", "timeout": 5}),
    C("lambda", "UpdateFunctionCode", lambda s: {"FunctionName": "echo", "ZipFile": archive()}, name="UpdateFunctionCode20150331v2", request_has={"functionName": "echo"}, response_has={"functionName": "echo"}),
    C("lambda", "PublishVersion", {"FunctionName": "echo"}, name="PublishVersion20150331", response_has={"functionName": "echo"}),
    C("lambda", "ListVersionsByFunction", {"FunctionName": "echo"}, name="ListVersionsByFunction20150331"),
    C("lambda", "CreateAlias", {"FunctionName": "echo", "Name": "live", "FunctionVersion": "1"}, name="CreateAlias20150331"),
    C("lambda", "GetAlias", {"FunctionName": "echo", "Name": "live"}, name="GetAlias20150331"),
    C("lambda", "AddPermission", {"FunctionName": "echo", "StatementId": "all", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}, name="AddPermission20150331v2"),
    C("lambda", "GetPolicy", {"FunctionName": "echo"}, name="GetPolicy20150331v2"),
    C("lambda", "RemovePermission", {"FunctionName": "echo", "StatementId": "all"}, name="RemovePermission20150331v2"),
    C("lambda", "TagResource", {"Resource": FUNCTION, "Tags": {"a": "b"}}, name="TagResource20170331v2"),
    C("lambda", "ListTags", {"Resource": FUNCTION}, name="ListTags20170331"),
    C("lambda", "Invoke", {"FunctionName": "echo", "Payload": b'{"payload":"payload-content-77"}'}, data=True, request_has={"functionName": "echo"}, response=False, resources=("AWS::Lambda::Function",)),
    C("lambda", "GetFunction", {"FunctionName": "nowhere"}, name="GetFunction20150331v2", error="ResourceNotFoundException"),
    C("lambda", "DeleteFunction", {"FunctionName": "echo"}, name="DeleteFunction20150331"),
]

KMS = [
    C("kms", "CreateKey", {"Description": "orders"}, keep={"kms": "KeyMetadata.KeyId", "kms_arn": "KeyMetadata.Arn"}, resources=("AWS::KMS::Key",)),
    C("kms", "DescribeKey", lambda s: {"KeyId": s["kms"]}, resources=("AWS::KMS::Key",)),
    C("kms", "ListKeys"),
    C("kms", "CreateAlias", lambda s: {"AliasName": "alias/orders", "TargetKeyId": s["kms"]}),
    C("kms", "ListAliases"),
    C("kms", "Encrypt", lambda s: {"KeyId": s["kms"], "Plaintext": b"plaintext-secret-31337", "EncryptionContext": {"order": "1"}}, keep={"blob": "CiphertextBlob"}, reads=True,
      request_has=lambda s: {"keyId": s["kms"], "encryptionContext": {"order": "1"}}, resources=("AWS::KMS::Key",)),
    C("kms", "Decrypt", lambda s: {"CiphertextBlob": s["blob"], "EncryptionContext": {"order": "1"}}, reads=True, secret=("Plaintext",),
      request_has={"encryptionContext": {"order": "1"}}),
    C("kms", "GenerateDataKey", lambda s: {"KeyId": s["kms"], "KeySpec": "AES_256"}, reads=True, secret=("Plaintext",), resources=("AWS::KMS::Key",)),
    C("kms", "GenerateRandom", {"NumberOfBytes": 32}, reads=True, secret=("Plaintext",)),
    C("kms", "EnableKeyRotation", lambda s: {"KeyId": s["kms"]}),
    C("kms", "GetKeyRotationStatus", lambda s: {"KeyId": s["kms"]}),
    C("kms", "PutKeyPolicy", lambda s: {"KeyId": s["kms"], "PolicyName": "default", "Policy": POLICY}),
    C("kms", "GetKeyPolicy", lambda s: {"KeyId": s["kms"], "PolicyName": "default"}),
    C("kms", "TagResource", lambda s: {"KeyId": s["kms"], "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    C("kms", "DisableKey", lambda s: {"KeyId": s["kms"]}),
    C("kms", "ScheduleKeyDeletion", lambda s: {"KeyId": s["kms"], "PendingWindowInDays": 7}),
    C("kms", "DescribeKey", {"KeyId": "00000000-0000-4000-8000-000000000000"}, error="NotFoundException"),
]

MESSAGE = "message-content-2718"
SQS = [
    C("sqs", "CreateQueue", {"QueueName": "jobs", "Attributes": {"VisibilityTimeout": "30"}}, keep={"queue": "QueueUrl"}),
    C("sqs", "GetQueueUrl", {"QueueName": "jobs"}, data=True),
    C("sqs", "GetQueueAttributes", lambda s: {"QueueUrl": s["queue"], "AttributeNames": ["All"]}, data=True),
    C("sqs", "SetQueueAttributes", lambda s: {"QueueUrl": s["queue"], "Attributes": {"VisibilityTimeout": "45"}}),
    C("sqs", "SendMessage", lambda s: {"QueueUrl": s["queue"], "MessageBody": MESSAGE}, data=True, request_has=lambda s: {"queueUrl": s["queue"]}, response=False, resources=("AWS::SQS::Queue",)),
    C("sqs", "ReceiveMessage", lambda s: {"QueueUrl": s["queue"]}, data=True, keep={"receipt": "Messages[0].ReceiptHandle"}, reads=None, request_has=lambda s: {"queueUrl": s["queue"]}, response=False, resources=("AWS::SQS::Queue",)),
    C("sqs", "DeleteMessage", lambda s: {"QueueUrl": s["queue"], "ReceiptHandle": s["receipt"]}, data=True, request_has=lambda s: {"queueUrl": s["queue"]}, response=False, resources=("AWS::SQS::Queue",)),
    C("sqs", "TagQueue", lambda s: {"QueueUrl": s["queue"], "Tags": {"a": "b"}}),
    C("sqs", "ListQueueTags", lambda s: {"QueueUrl": s["queue"]}, data=True),
    C("sqs", "PurgeQueue", lambda s: {"QueueUrl": s["queue"]}),
    C("sqs", "GetQueueUrl", {"QueueName": "nowhere"}, error="AWS.SimpleQueueService.NonExistentQueue", data=True),
    C("sqs", "DeleteQueue", lambda s: {"QueueUrl": s["queue"]}),
]

SNS = [
    C("sns", "CreateTopic", {"Name": "alarms"}, keep={"topic": "TopicArn"}),
    C("sns", "ListTopics"),
    C("sns", "SetTopicAttributes", lambda s: {"TopicArn": s["topic"], "AttributeName": "DisplayName", "AttributeValue": "Alarms"}),
    C("sns", "GetTopicAttributes", lambda s: {"TopicArn": s["topic"]}),
    C("sns", "Subscribe", lambda s: {"TopicArn": s["topic"], "Protocol": "email", "Endpoint": "dana@example.com"}, response=False, request_has=lambda s: {"topicArn": s["topic"], "protocol": "email"}),
    C("sns", "ListSubscriptionsByTopic", lambda s: {"TopicArn": s["topic"]}),
    C("sns", "Publish", lambda s: {"TopicArn": s["topic"], "Message": MESSAGE, "Subject": "x"}, data=True, hidden=("message",), request_has=lambda s: {"topicArn": s["topic"]}, response=False, resources=("AWS::SNS::Topic",)),
    C("sns", "TagResource", lambda s: {"ResourceArn": s["topic"], "Tags": [{"Key": "a", "Value": "b"}]}),
    C("sns", "GetTopicAttributes", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:nowhere"}, error="NotFound"),
    C("sns", "DeleteTopic", lambda s: {"TopicArn": s["topic"]}),
]

SECRETS = [
    C("secretsmanager", "CreateSecret", {"Name": "db", "SecretString": "secret-string-1618", "ClientRequestToken": "00000000-0000-4000-8000-000000001618"}, response_has={"name": "db"}, hidden=("secretString",)),
    C("secretsmanager", "GetSecretValue", {"SecretId": "db"}, secret=("SecretString",)),
    C("secretsmanager", "PutSecretValue", {"SecretId": "db", "SecretString": "secret-string-2618", "ClientRequestToken": "00000000-0000-4000-8000-000000002618"}, response_has={"name": "db"}, hidden=("secretString",)),
    C("secretsmanager", "DescribeSecret", {"SecretId": "db"}),
    C("secretsmanager", "ListSecrets"),
    C("secretsmanager", "ListSecretVersionIds", {"SecretId": "db"}),
    C("secretsmanager", "UpdateSecret", {"SecretId": "db", "Description": "the database"}),
    C("secretsmanager", "GetRandomPassword", {"PasswordLength": 20}, secret=("RandomPassword",)),
    C("secretsmanager", "TagResource", {"SecretId": "db", "Tags": [{"Key": "a", "Value": "b"}]}),
    C("secretsmanager", "GetSecretValue", {"SecretId": "nowhere"}, error="ResourceNotFoundException"),
    C("secretsmanager", "DeleteSecret", {"SecretId": "db", "RecoveryWindowInDays": 7}),
]

SSM = [
    C("ssm", "PutParameter", {"Name": "/app/token", "Value": "parameter-secret-1414", "Type": "SecureString"}, hidden=("value",)),
    C("ssm", "GetParameter", {"Name": "/app/token", "WithDecryption": True}, secret=("Parameter.Value",)),
    C("ssm", "GetParametersByPath", {"Path": "/app", "Recursive": True}),
    C("ssm", "DescribeParameters"),
    C("ssm", "AddTagsToResource", {"ResourceType": "Parameter", "ResourceId": "/app/token", "Tags": [{"Key": "a", "Value": "b"}]}),
    C("ssm", "ListTagsForResource", {"ResourceType": "Parameter", "ResourceId": "/app/token"}),
    C("ssm", "GetParameter", {"Name": "/nowhere"}, error="ParameterNotFound"),
    C("ssm", "DeleteParameter", {"Name": "/app/token"}),
]

LOGS = [
    C("logs", "CreateLogGroup", {"logGroupName": "/app"}),
    C("logs", "DescribeLogGroups", {"logGroupNamePrefix": "/app"}),
    C("logs", "CreateLogStream", {"logGroupName": "/app", "logStreamName": "one"}),
    C("logs", "DescribeLogStreams", {"logGroupName": "/app"}),
    C("logs", "PutRetentionPolicy", {"logGroupName": "/app", "retentionInDays": 30}),
    C("logs", "TagLogGroup", {"logGroupName": "/app", "tags": {"a": "b"}}),
    C("logs", "ListTagsLogGroup", {"logGroupName": "/app"}),
    C("logs", "CreateLogStream", {"logGroupName": "/nowhere", "logStreamName": "one"}, error="ResourceNotFoundException"),
    C("logs", "DeleteLogStream", {"logGroupName": "/app", "logStreamName": "one"}),
    C("logs", "DeleteLogGroup", {"logGroupName": "/app"}),
]

CLOUDWATCH = [
    C("cloudwatch", "PutMetricAlarm", {"AlarmName": "high", "MetricName": "m", "Namespace": "n", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0.5,
                                       "ComparisonOperator": "GreaterThanThreshold"}),
    C("cloudwatch", "DescribeAlarms", {"AlarmNames": ["high"]}),
    C("cloudwatch", "PutDashboard", {"DashboardName": "d", "DashboardBody": '{"widgets":[]}'}),
    C("cloudwatch", "ListDashboards"),
    C("cloudwatch", "SetAlarmState", {"AlarmName": "high", "StateValue": "OK", "StateReason": "test"}),
    C("cloudwatch", "DeleteAlarms", {"AlarmNames": ["high"]}),
]

ROUTE53 = [
    C("route53", "CreateHostedZone", {"Name": "example.com", "CallerReference": "one"}, keep={"zone": "HostedZone.Id"}, response_has={"hostedZone": {"name": "example.com."}}),
    C("route53", "ListHostedZones"),
    C("route53", "GetHostedZone", lambda s: {"Id": s["zone"]}, request_has=lambda s: {"id": s["zone"].rsplit("/")[-1]}),
    C("route53", "ChangeResourceRecordSets", lambda s: {"HostedZoneId": s["zone"], "ChangeBatch": {"Changes": [{"Action": "CREATE", "ResourceRecordSet": {
        "Name": "www.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}}]}}, response=False,
      request_has=lambda s: {"hostedZoneId": s["zone"].rsplit("/")[-1], "changeBatch": {"changes": [{"action": "CREATE", "resourceRecordSet": {
          "name": "www.example.com", "type": "A", "tTL": 60, "resourceRecords": [{"value": "192.0.2.1"}]}}]}}),
    C("route53", "ListResourceRecordSets", lambda s: {"HostedZoneId": s["zone"]}, request_has=lambda s: {"hostedZoneId": s["zone"].rsplit("/")[-1]}),
    C("route53", "GetHostedZone", {"Id": "Z0000000000000"}, error="NoSuchHostedZone"),
]

ECS = [
    C("ecs", "CreateCluster", {"clusterName": "main"}),
    C("ecs", "DescribeClusters", {"clusters": ["main"]}),
    C("ecs", "ListClusters"),
    C("ecs", "RegisterTaskDefinition", {"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 64}]}, response_has={"taskDefinition": {"family": "web"}}),
    C("ecs", "ListTaskDefinitions"),
    C("ecs", "DescribeTaskDefinition", {"taskDefinition": "web"}),
    C("ecs", "CreateService", {"cluster": "main", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1}, response_has={"service": {"serviceName": "web"}}),
    C("ecs", "DeleteCluster", {"cluster": "nowhere"}, error="ClusterNotFoundException"),
]

ECR = [
    C("ecr", "CreateRepository", {"repositoryName": "web"}, response_has={"repository": {"repositoryName": "web"}}),
    C("ecr", "DescribeRepositories"),
    C("ecr", "GetAuthorizationToken", secret=("authorizationData[0].authorizationToken",)),
    C("ecr", "PutLifecyclePolicy", {"repositoryName": "web", "lifecyclePolicyText": LIFECYCLE}),
    C("ecr", "ListImages", {"repositoryName": "web"}),
    C("ecr", "DeleteRepository", {"repositoryName": "web"}),
]

RDS = [
    C("rds", "CreateDBInstance", {"DBInstanceIdentifier": "db1", "DBInstanceClass": "db.t3.micro", "Engine": "postgres", "MasterUsername": "root", "MasterUserPassword": "master-secret-1732", "AllocatedStorage": 20},
      hidden=("masterUserPassword",), request_has={"dBInstanceIdentifier": "db1", "dBInstanceClass": "db.t3.micro", "engine": "postgres", "allocatedStorage": 20}, response=False,
      response_has={"dBInstanceIdentifier": "db1"}),
    C("rds", "DescribeDBInstances", {"DBInstanceIdentifier": "db1"}, request={"dBInstanceIdentifier": "db1"}),
    C("rds", "ModifyDBInstance", {"DBInstanceIdentifier": "db1", "MasterUserPassword": "master-secret-2236"}, hidden=("masterUserPassword",), request_has={"dBInstanceIdentifier": "db1"}, response=False),
    C("rds", "CreateDBSnapshot", {"DBInstanceIdentifier": "db1", "DBSnapshotIdentifier": "snap1"}, request={"dBInstanceIdentifier": "db1", "dBSnapshotIdentifier": "snap1"}, response=False),
    C("rds", "DescribeDBSnapshots"),
    C("rds", "CreateDBSubnetGroup", lambda s: {"DBSubnetGroupName": "g", "DBSubnetGroupDescription": "d", "SubnetIds": [s["subnet"]]}, response=False),
    C("rds", "DeleteDBInstance", {"DBInstanceIdentifier": "nowhere", "SkipFinalSnapshot": True}, error="DBInstanceNotFound"),
]

KINESIS = [
    C("kinesis", "CreateStream", {"StreamName": "clicks", "ShardCount": 1}),
    C("kinesis", "DescribeStreamSummary", {"StreamName": "clicks"}),
    C("kinesis", "ListStreams"),
    C("kinesis", "PutRecord", {"StreamName": "clicks", "Data": b"kinesis-content-1644", "PartitionKey": "a"}, data=True, request_has={"streamName": "clicks"}, response=False, resources=("AWS::Kinesis::Stream",)),
    C("kinesis", "IncreaseStreamRetentionPeriod", {"StreamName": "clicks", "RetentionPeriodHours": 48}),
    C("kinesis", "DescribeStreamSummary", {"StreamName": "nowhere"}, error="ResourceNotFoundException"),
    C("kinesis", "DeleteStream", {"StreamName": "clicks"}),
]

STATES = [
    C("stepfunctions", "CreateStateMachine", {"name": "flow", "definition": MACHINE, "roleArn": ROLE}, keep={"machine": "stateMachineArn"}, request_has={"name": "flow", "roleArn": ROLE}),
    C("stepfunctions", "DescribeStateMachine", lambda s: {"stateMachineArn": s["machine"]}),
    C("stepfunctions", "ListStateMachines"),
    C("stepfunctions", "StartExecution", lambda s: {"stateMachineArn": s["machine"], "name": "run", "input": '{"token":"input-secret-1123"}'}, request_has=lambda s: {"stateMachineArn": s["machine"], "name": "run"}, hidden=("input",)),
    C("stepfunctions", "ListExecutions", lambda s: {"stateMachineArn": s["machine"]}),
    C("stepfunctions", "DescribeStateMachine", {"stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:nowhere"}, error="StateMachineDoesNotExist"),
    C("stepfunctions", "DeleteStateMachine", lambda s: {"stateMachineArn": s["machine"]}),
]

EVENTS = [
    C("events", "PutRule", {"Name": "hourly", "ScheduleExpression": "rate(1 hour)"}),
    C("events", "ListRules"),
    C("events", "DescribeRule", {"Name": "hourly"}),
    C("events", "PutTargets", {"Rule": "hourly", "Targets": [{"Id": "1", "Arn": FUNCTION}]}),
    C("events", "ListTargetsByRule", {"Rule": "hourly"}),
    C("events", "DisableRule", {"Name": "hourly"}),
    C("events", "CreateEventBus", {"Name": "bus"}),
    C("events", "DescribeRule", {"Name": "nowhere"}, error="ResourceNotFoundException"),
    C("events", "RemoveTargets", {"Rule": "hourly", "Ids": ["1"]}),
    C("events", "DeleteRule", {"Name": "hourly"}),
]

CLOUDFORMATION = [
    C("cloudformation", "CreateStack", {"StackName": "stack", "TemplateBody": TEMPLATE, "Tags": [{"Key": "a", "Value": "b"}]}, request_has={"stackName": "stack", "tags": [{"key": "a", "value": "b"}]}),
    C("cloudformation", "DescribeStacks", {"StackName": "stack"}),
    C("cloudformation", "ListStacks"),
    C("cloudformation", "DescribeStackResources", {"StackName": "stack"}),
    C("cloudformation", "GetTemplate", {"StackName": "stack"}),
    C("cloudformation", "DescribeStacks", {"StackName": "nowhere"}, error="ValidationError"),
    C("cloudformation", "DeleteStack", {"StackName": "stack"}),
]

ELB = [
    C("elbv2", "CreateTargetGroup", lambda s: {"Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": s["vpc"]}, keep={"targets": "TargetGroups[0].TargetGroupArn"}),
    C("elbv2", "DescribeTargetGroups"),
    C("elbv2", "CreateLoadBalancer", lambda s: {"Name": "front", "Subnets": [s["subnet"]], "Type": "network"}, keep={"balancer": "LoadBalancers[0].LoadBalancerArn"}),
    C("elbv2", "DescribeLoadBalancers", lambda s: {"LoadBalancerArns": [s["balancer"]]}),
    C("elbv2", "CreateListener", lambda s: {"LoadBalancerArn": s["balancer"], "Protocol": "TCP", "Port": 80, "DefaultActions": [{"Type": "forward", "TargetGroupArn": s["targets"]}]}),
    C("elbv2", "AddTags", lambda s: {"ResourceArns": [s["balancer"]], "Tags": [{"Key": "a", "Value": "b"}]}),
    C("elbv2", "DescribeTags", lambda s: {"ResourceArns": [s["balancer"]]}),
    C("elbv2", "DeleteLoadBalancer", lambda s: {"LoadBalancerArn": s["balancer"]}),
]

ACM = [
    C("acm", "RequestCertificate", {"DomainName": "www.example.com", "ValidationMethod": "DNS"}, keep={"certificate": "CertificateArn"}),
    C("acm", "ListCertificates"),
    C("acm", "AddTagsToCertificate", lambda s: {"CertificateArn": s["certificate"], "Tags": [{"Key": "a", "Value": "b"}]}),
    C("acm", "ListTagsForCertificate", lambda s: {"CertificateArn": s["certificate"]}),
    C("acm", "DescribeCertificate", {"CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/nowhere"}, error="ResourceNotFoundException"),
    C("acm", "DeleteCertificate", lambda s: {"CertificateArn": s["certificate"]}),
]

APIGATEWAY = [
    C("apigateway", "CreateRestApi", {"name": "shop", "description": "the shop"}, keep={"rest": "id"}, request_has={}, response=False),
    C("apigateway", "GetRestApis", request_has={}),
    C("apigateway", "GetRestApi", lambda s: {"restApiId": s["rest"]}, request_has=lambda s: {"restApiId": s["rest"]}),
    C("apigateway", "GetResources", lambda s: {"restApiId": s["rest"]}, request_has=lambda s: {"restApiId": s["rest"]}, keep={"root": "items[0].id"}),
    C("apigateway", "CreateResource", lambda s: {"restApiId": s["rest"], "parentId": s["root"], "pathPart": "orders"}, keep={"resource": "id"}, request_has=lambda s: {"restApiId": s["rest"]}, response=False),
    C("apigateway", "PutMethod", lambda s: {"restApiId": s["rest"], "resourceId": s["resource"], "httpMethod": "GET", "authorizationType": "NONE"}, request_has=lambda s: {"restApiId": s["rest"], "httpMethod": "GET"}, response=False),
    C("apigateway", "CreateApiKey", {"name": "k", "value": "api-key-secret-value-2357-abcdefgh"}, secret=("value",), request_has={}, response=False),
    C("apigateway", "DeleteRestApi", lambda s: {"restApiId": s["rest"]}, request_has=lambda s: {"restApiId": s["rest"]}),
    C("apigateway", "GetRestApi", {"restApiId": "nowhere"}, request_has={"restApiId": "nowhere"}, error="NotFoundException"),
]

GLUE = [
    C("glue", "CreateDatabase", {"DatabaseInput": {"Name": "sales"}}),
    C("glue", "GetDatabase", {"Name": "sales"}),
    C("glue", "GetDatabases"),
    C("glue", "CreateTable", {"DatabaseName": "sales", "TableInput": {"Name": "orders", "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}]}}}),
    C("glue", "GetTable", {"DatabaseName": "sales", "Name": "orders"}),
    C("glue", "GetTable", {"DatabaseName": "sales", "Name": "nowhere"}, error="EntityNotFoundException"),
    C("glue", "DeleteDatabase", {"Name": "sales"}),
]

COGNITO = [
    C("cognito-idp", "CreateUserPool", {"PoolName": "customers"}, keep={"pool": "UserPool.Id"}, response_has={"userPool": {"name": "customers"}}),
    C("cognito-idp", "DescribeUserPool", lambda s: {"UserPoolId": s["pool"]}),
    C("cognito-idp", "ListUserPools", {"MaxResults": 10}),
    C("cognito-idp", "CreateUserPoolClient", lambda s: {"UserPoolId": s["pool"], "ClientName": "shop", "GenerateSecret": True}, secret=("UserPoolClient.ClientSecret",), response=False, request_has=lambda s: {"userPoolId": s["pool"], "clientName": "shop"}),
    C("cognito-idp", "AdminCreateUser", lambda s: {"UserPoolId": s["pool"], "Username": "zoe", "TemporaryPassword": "Temporary-Horse-9!"}, response=False, request_has=lambda s: {"userPoolId": s["pool"]}, hidden=("temporaryPassword",)),
    C("cognito-idp", "ListUsers", lambda s: {"UserPoolId": s["pool"]}),
    C("cognito-idp", "DescribeUserPool", {"UserPoolId": "eu-west-1_nowhere"}, error="ResourceNotFoundException"),
    C("cognito-idp", "DeleteUserPool", lambda s: {"UserPoolId": s["pool"]}),
]

S3 = [
    C("s3", "CreateBucket", {"Bucket": "ledger", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}, request_has={"bucketName": "ledger"}, response=False),
    C("s3", "PutObject", {"Bucket": "ledger", "Key": "2026/one.txt", "Body": b"object-content-6180"}, data=True, request_has={"bucketName": "ledger", "key": "2026/one.txt"}, response=False, resources=("AWS::S3::Object", "AWS::S3::Bucket")),
    C("s3", "GetObject", {"Bucket": "ledger", "Key": "2026/one.txt"}, data=True, request_has={"bucketName": "ledger", "key": "2026/one.txt"}, resources=("AWS::S3::Object", "AWS::S3::Bucket")),
    C("s3", "GetObject", {"Bucket": "ledger", "Key": "nowhere"}, data=True, error="NoSuchKey", request_has={"bucketName": "ledger", "key": "nowhere"}),
    C("s3", "GetBucketAcl", {"Bucket": "ledger"}, request_has={"bucketName": "ledger", "acl": ""}, resources=("AWS::S3::Bucket",)),
    C("s3", "DeleteObject", {"Bucket": "ledger", "Key": "2026/one.txt"}, data=True, request_has={"bucketName": "ledger", "key": "2026/one.txt"}, response=False),
    C("s3", "DeleteBucket", {"Bucket": "ledger"}, request_has={"bucketName": "ledger"}),
]

MORE = [
    C("athena", "CreateWorkGroup", {"Name": "analysts"}),
    C("athena", "ListWorkGroups"),
    C("athena", "GetWorkGroup", {"WorkGroup": "analysts"}),
    C("firehose", "ListDeliveryStreams"),
    C("efs", "CreateFileSystem", {"CreationToken": "one"}, name="CreateFileSystem", response=False, request_has={"creationToken": "one"}),
    C("efs", "DescribeFileSystems"),
    C("eks", "ListClusters"),
    C("eks", "DescribeCluster", {"name": "nowhere"}, error="ResourceNotFoundException"),
    C("codecommit", "CreateRepository", {"repositoryName": "code"}),
    C("codecommit", "GetRepository", {"repositoryName": "code"}),
    C("ses", "VerifyEmailIdentity", {"EmailAddress": "dana@example.com"}),
    C("ses", "ListIdentities"),
    C("autoscaling", "DescribeAutoScalingGroups"),
    C("organizations", "CreateOrganization", {"FeatureSet": "ALL"}, response_has={"organization": {"featureSet": "ALL"}}),
    C("organizations", "DescribeOrganization"),
    C("cloudfront", "ListDistributions", request_has={}),
    C("sagemaker", "ListNotebookInstances"),
    C("resourcegroupstaggingapi", "GetResources"),
    C("elasticache", "DescribeCacheClusters"),
    C("redshift", "DescribeClusters"),
    C("batch", "DescribeJobQueues"),
]

CALLS = [
    *IAM, *STS, *EC2, *DYNAMODB, *LAMBDA, *KMS, *SQS, *SNS, *SECRETS, *SSM, *LOGS, *CLOUDWATCH, *ROUTE53, *ECS, *ECR, *RDS, *KINESIS, *STATES, *EVENTS,
    *CLOUDFORMATION, *ELB, *ACM, *APIGATEWAY, *GLUE, *COGNITO, *S3, *MORE,
]

# Texts that were content or secret wherever they were sent: none of them may stand in any record.
NEVER = [
    "Correct-Horse-7-Battery", "Another-Horse-8-Battery", "content-4111-1111", "variable-secret-99", "payload-content-77", "plaintext-secret-31337", MESSAGE,
    "secret-string-1618", "secret-string-2618", "parameter-secret-1414", "master-secret-1732", "master-secret-2236", "kinesis-content-1644", "input-secret-1123",
    "Temporary-Horse-9!", "object-content-6180", "user-data-is-secret-5150", "api-key-secret-value-2357-abcdefgh",
]
