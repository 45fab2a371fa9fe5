//! A flat table: EC2's old operations, and the names of their members in records, where no rule gives them.

use super::stem;
use crate::parameters::Side;
use crate::parameters::shapes::wire_name;
use crate::parameters::value::Value;
use crate::table::Member;

/// Operations of the time of the SOAP interface, which records still spell in its way.
const CLASSIC: &[&str] = &[
    "AcceptVpcPeeringConnection",
    "AllocateAddress",
    "AssignPrivateIpAddresses",
    "AssociateAddress",
    "AssociateDhcpOptions",
    "AssociateRouteTable",
    "AttachClassicLinkVpc",
    "AttachInternetGateway",
    "AttachNetworkInterface",
    "AttachVolume",
    "AttachVpnGateway",
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "BundleInstance",
    "CancelBundleTask",
    "CancelConversionTask",
    "CancelExportTask",
    "CancelReservedInstancesListing",
    "CancelSpotInstanceRequests",
    "ConfirmProductInstance",
    "CopyImage",
    "CopySnapshot",
    "CreateCustomerGateway",
    "CreateDhcpOptions",
    "CreateImage",
    "CreateInstanceExportTask",
    "CreateInternetGateway",
    "CreateKeyPair",
    "CreateNetworkAcl",
    "CreateNetworkAclEntry",
    "CreateNetworkInterface",
    "CreatePlacementGroup",
    "CreateReservedInstancesListing",
    "CreateRoute",
    "CreateRouteTable",
    "CreateSecurityGroup",
    "CreateSnapshot",
    "CreateSpotDatafeedSubscription",
    "CreateSubnet",
    "CreateTags",
    "CreateVolume",
    "CreateVpc",
    "CreateVpcPeeringConnection",
    "CreateVpnConnection",
    "CreateVpnConnectionRoute",
    "CreateVpnGateway",
    "DeleteCustomerGateway",
    "DeleteDhcpOptions",
    "DeleteInternetGateway",
    "DeleteKeyPair",
    "DeleteNetworkAcl",
    "DeleteNetworkAclEntry",
    "DeleteNetworkInterface",
    "DeletePlacementGroup",
    "DeleteRoute",
    "DeleteRouteTable",
    "DeleteSecurityGroup",
    "DeleteSnapshot",
    "DeleteSpotDatafeedSubscription",
    "DeleteSubnet",
    "DeleteTags",
    "DeleteVolume",
    "DeleteVpc",
    "DeleteVpcPeeringConnection",
    "DeleteVpnConnection",
    "DeleteVpnConnectionRoute",
    "DeleteVpnGateway",
    "DeregisterImage",
    "DescribeAccountAttributes",
    "DescribeAddresses",
    "DescribeAvailabilityZones",
    "DescribeBundleTasks",
    "DescribeClassicLinkInstances",
    "DescribeConversionTasks",
    "DescribeCustomerGateways",
    "DescribeDhcpOptions",
    "DescribeExportTasks",
    "DescribeImageAttribute",
    "DescribeImages",
    "DescribeInstanceAttribute",
    "DescribeInstanceStatus",
    "DescribeInstances",
    "DescribeInternetGateways",
    "DescribeKeyPairs",
    "DescribeNetworkAcls",
    "DescribeNetworkInterfaceAttribute",
    "DescribeNetworkInterfaces",
    "DescribePlacementGroups",
    "DescribeRegions",
    "DescribeReservedInstances",
    "DescribeReservedInstancesListings",
    "DescribeReservedInstancesModifications",
    "DescribeReservedInstancesOfferings",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSnapshotAttribute",
    "DescribeSnapshots",
    "DescribeSpotDatafeedSubscription",
    "DescribeSpotInstanceRequests",
    "DescribeSpotPriceHistory",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVolumeAttribute",
    "DescribeVolumeStatus",
    "DescribeVolumes",
    "DescribeVpcAttribute",
    "DescribeVpcClassicLink",
    "DescribeVpcPeeringConnections",
    "DescribeVpcs",
    "DescribeVpnConnections",
    "DescribeVpnGateways",
    "DetachClassicLinkVpc",
    "DetachInternetGateway",
    "DetachNetworkInterface",
    "DetachVolume",
    "DetachVpnGateway",
    "DisableVgwRoutePropagation",
    "DisableVpcClassicLink",
    "DisassociateAddress",
    "DisassociateRouteTable",
    "EnableVgwRoutePropagation",
    "EnableVolumeIO",
    "EnableVpcClassicLink",
    "GetConsoleOutput",
    "GetPasswordData",
    "ImportInstance",
    "ImportKeyPair",
    "ImportVolume",
    "ModifyImageAttribute",
    "ModifyInstanceAttribute",
    "ModifyNetworkInterfaceAttribute",
    "ModifyReservedInstances",
    "ModifySnapshotAttribute",
    "ModifySubnetAttribute",
    "ModifyVolumeAttribute",
    "ModifyVpcAttribute",
    "MonitorInstances",
    "PurchaseReservedInstancesOffering",
    "RebootInstances",
    "RegisterImage",
    "RejectVpcPeeringConnection",
    "ReleaseAddress",
    "ReplaceNetworkAclAssociation",
    "ReplaceNetworkAclEntry",
    "ReplaceRoute",
    "ReplaceRouteTableAssociation",
    "ReportInstanceStatus",
    "RequestSpotInstances",
    "ResetImageAttribute",
    "ResetInstanceAttribute",
    "ResetNetworkInterfaceAttribute",
    "ResetSnapshotAttribute",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RunInstances",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
    "UnassignPrivateIpAddresses",
    "UnmonitorInstances",
];

/// What a list of an input is called, by the member's name, where it is not the wire's name and `Set`.
const LISTS: &[(&str, &str)] = &[
    ("AllocationIds", "allocationIdsSet"),
    ("AttributeNames", "accountAttributeNameSet"),
    ("BlockDeviceMappings", "blockDeviceMapping"),
    ("BundleIds", "bundlesSet"),
    ("CustomerGatewayIds", "customerGatewaySet"),
    ("DhcpOptionsIds", "dhcpOptionsSet"),
    ("GroupIds", "securityGroupIdSet"),
    ("GroupNames", "securityGroupSet"),
    ("Groups", "groupSet"),
    ("ImageIds", "imagesSet"),
    ("InstanceIds", "instancesSet"),
    ("IpPermissions", "ipPermissions"),
    ("IpRanges", "ipRanges"),
    ("Ipv6Ranges", "ipv6Ranges"),
    ("KeyNames", "keySet"),
    ("NetworkInterfaces", "networkInterfaceSet"),
    ("OwnerIds", "ownersSet"),
    ("Owners", "ownersSet"),
    ("PrefixListIds", "prefixListIds"),
    ("PrivateIpAddresses", "privateIpAddressesSet"),
    ("PublicIps", "publicIpsSet"),
    ("RegionNames", "regionSet"),
    ("Resources", "resourcesSet"),
    ("RestorableByUserIds", "sharedUsersSet"),
    ("SecurityGroupIds", "groupSet"),
    ("SecurityGroups", "groupSet"),
    ("SnapshotIds", "snapshotSet"),
    ("SubnetIds", "subnetSet"),
    ("UserIdGroupPairs", "groups"),
    ("VolumeIds", "volumeSet"),
    ("VpcIds", "vpcSet"),
    ("VpnConnectionIds", "vpnConnectionSet"),
    ("VpnGatewayIds", "vpnGatewaySet"),
    ("ZoneIds", "availabilityZoneIdSet"),
    ("ZoneNames", "availabilityZoneSet"),
];

/// Lists that only one operation calls so: the operation, the member, the name.
const LISTS_OF: &[(&str, &str, &str)] = &[
    ("CreateNetworkInterface", "Groups", "groupSet"),
    ("DescribePlacementGroups", "GroupNames", "placementGroupSet"),
    ("DescribePlacementGroups", "GroupIds", "placementGroupIdSet"),
    ("ModifyInstanceAttribute", "Groups", "groupSet"),
];

/// What the one member of an element is called, by the list's member, where it is not called as the list is on the wire.
const ELEMENTS: &[(&str, &str)] = &[
    ("ExecutableUsers", "user"),
    ("Groups", "groupId"),
    ("OwnerIds", "owner"),
    ("Resources", "resourceId"),
    ("RestorableByUserIds", "user"),
    ("SecurityGroupIds", "groupId"),
    ("SecurityGroups", "groupName"),
];

/// Members that are no lists: the operation or `*`, the member, and its name in records.
const SINGLE: &[(&str, &str, &str)] = &[
    ("CreateInstanceExportTask", "ExportToS3Task", "exportToS3"),
    ("CreateNetworkAclEntry", "IcmpTypeCode", "icmpTypeCode"),
    ("CreateNetworkAclEntry", "Protocol", "aclProtocol"),
    ("CreateVolume", "AvailabilityZone", "zone"),
    ("ModifyImageAttribute", "Attribute", "attributeType"),
    ("ModifySnapshotAttribute", "Attribute", "attributeType"),
    ("RegisterImage", "SriovNetSupport", "sriovNetSupport"),
    ("ReplaceNetworkAclEntry", "IcmpTypeCode", "icmpTypeCode"),
    ("ReplaceNetworkAclEntry", "Protocol", "aclProtocol"),
];

/// Sets that records have even if nothing was asked for: the operation, and their names.
const ALWAYS: &[(&str, &[&str])] = &[
    ("AuthorizeSecurityGroupIngress", &["ipPermissions"]),
    ("CreateNetworkInterface", &["groupSet", "privateIpAddressesSet"]),
    ("DescribeAccountAttributes", &["accountAttributeNameSet", "filterSet"]),
    ("DescribeAddresses", &["publicIpsSet", "filterSet", "allocationIdsSet"]),
    ("DescribeAvailabilityZones", &["availabilityZoneSet", "availabilityZoneIdSet", "filterSet"]),
    ("DescribeBundleTasks", &["bundlesSet"]),
    ("DescribeCustomerGateways", &["customerGatewaySet", "filterSet"]),
    ("DescribeDhcpOptions", &["dhcpOptionsSet", "filterSet"]),
    ("DescribeImages", &["executableBySet", "imagesSet", "ownersSet", "filterSet"]),
    ("DescribeInstanceStatus", &["instancesSet", "filterSet"]),
    ("DescribeInstances", &["instancesSet", "filterSet"]),
    ("DescribeInternetGateways", &["internetGatewayIdSet", "filterSet"]),
    ("DescribeKeyPairs", &["keySet", "keyPairIdSet", "filterSet"]),
    ("DescribeNetworkAcls", &["networkAclIdSet", "filterSet"]),
    ("DescribeNetworkInterfaces", &["networkInterfaceIdSet", "filterSet"]),
    ("DescribePlacementGroups", &["placementGroupSet", "placementGroupIdSet", "filterSet"]),
    ("DescribeRegions", &["regionSet"]),
    ("DescribeRouteTables", &["routeTableIdSet", "filterSet"]),
    ("DescribeSecurityGroups", &["securityGroupSet", "securityGroupIdSet", "filterSet"]),
    ("DescribeSnapshots", &["snapshotSet", "ownersSet", "sharedUsersSet", "filterSet"]),
    ("DescribeSubnets", &["subnetSet", "filterSet"]),
    ("DescribeTags", &["filterSet"]),
    ("DescribeVolumeStatus", &["volumeSet", "filterSet"]),
    ("DescribeVolumes", &["volumeSet", "filterSet"]),
    ("DescribeVpcClassicLink", &["vpcSet", "filterSet"]),
    ("DescribeVpcPeeringConnections", &["vpcPeeringConnectionIdSet", "filterSet"]),
    ("DescribeVpcs", &["vpcSet", "filterSet"]),
    ("DescribeVpnConnections", &["vpnConnectionSet", "filterSet"]),
    ("DescribeVpnGateways", &["vpnGatewaySet", "filterSet"]),
    ("RevokeSecurityGroupIngress", &["ipPermissions"]),
    ("RunInstances", &["blockDeviceMapping"]),
];

pub(super) fn is_classic(operation: &str) -> bool {
    CLASSIC.binary_search(&operation).is_ok()
}

/// The sets that records of an operation have even if nothing was asked for.
fn always_there(operation: &str) -> &'static [&'static str] {
    ALWAYS.iter().find(|(name, _)| *name == operation).map_or(&[][..], |(_, sets)| sets)
}

/// What records of an old operation call a member.
pub(super) fn classic(operation: &str, side: Side, top: bool, member: &Member, is_list: bool) -> String {
    let single = SINGLE.iter().find(|(of, name, _)| top && *of == operation && *name == member.name);
    if let Some((.., spelled)) = single {
        return (*spelled).to_owned();
    }
    if side == Side::Output {
        let wire = wire_name(member);
        return if wire == super::RETURN { "_return".to_owned() } else { wire.to_owned() };
    }
    if !is_list {
        return stem(member);
    }
    // Tags of what is about to be created stand in a list of their own.
    if member.name == "Tags" && !top {
        return "tags".to_owned();
    }
    let of = LISTS_OF.iter().find(|(of, name, _)| *of == operation && *name == member.name).map(|(.., name)| name);
    let any = || LISTS.iter().find(|(name, _)| *name == member.name).map(|(_, name)| name);
    match of.or_else(any) {
        Some(spelled) => (*spelled).to_owned(),
        None if wire_name(member).ends_with("Set") || matches!(member.name.as_str(), "Add" | "Remove") => stem(member),
        None => format!("{}Set", stem(member)),
    }
}

/// What the elements of a set stand under: two sets are known to differ.
pub(super) fn items(operation: &str, side: Side, set: &str) -> &'static str {
    match (operation, side, set) {
        ("DescribeVpcClassicLink", Side::Input, "vpcSet") | (_, Side::Output, "privateIpAddressesSet") => "item",
        _ => "items",
    }
}

/// Numbers that records of old operations have as texts, in the request and in the answer.
const TEXTS: &[(&str, &str)] = &[("CreateSnapshot", "volumeSize"), ("CreateVolume", "size")];

/// Whether a number is told as a text.
pub(super) fn is_text(operation: &str, name: &str) -> bool {
    TEXTS.contains(&(operation, name))
}

/// What the one member of an element of a list is called.
pub(super) fn element(member: &Member) -> String {
    let known = ELEMENTS.iter().find(|(name, _)| *name == member.name);
    known.map_or_else(|| stem(member), |(_, spelled)| (*spelled).to_owned())
}

/// What records have besides, and where RunInstances puts what it was asked for.
pub(super) fn complete(operation: &str, told: &mut Vec<(String, Value)>) {
    if operation == "RunInstances" {
        run_instances(told);
    }
    for set in always_there(operation) {
        if !told.iter().any(|(name, _)| name == set) {
            told.push(((*set).to_owned(), Value::Object(Vec::new())));
        }
    }
}

/// The image, the counts and the key are told as a set of instances; what says where, one by one.
fn run_instances(told: &mut Vec<(String, Value)>) {
    const OF_INSTANCES: &[&str] = &["imageId", "minCount", "maxCount", "keyName"];
    let all = std::mem::take(told);
    let (instances, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| OF_INSTANCES.contains(&name.as_str()));
    let items = Value::List(vec![Value::Object(instances)]);
    told.push(("instancesSet".to_owned(), Value::Object(vec![("items".to_owned(), items)])));
    for (name, value) in others {
        match value {
            Value::Object(placement) if name == "placement" => told.extend(placement),
            value => told.push((name, value)),
        }
    }
}

#[cfg(test)]
pub(super) fn is_sorted() -> bool {
    CLASSIC.is_sorted()
}
