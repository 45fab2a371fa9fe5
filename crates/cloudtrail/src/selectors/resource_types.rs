//! The types of resource that data events are about (CloudTrail user guide, "Logging data events"). AWS adds to them
//! all the time, so one that is not here is legal too; what is known of a type is which service its ARNs name.

use Arns::{Any, No, Of};

/// The ARNs of a type.
#[derive(Debug, Clone, Copy)]
enum Arns {
    /// They name this service.
    Of(&'static str),
    /// They have not been looked up.
    Any,
    /// There are none.
    No,
}

/// Whether the type is in our table.
pub fn is_known(type_: &str) -> bool {
    find(type_).is_some()
}

/// `AWS::Service::Type`.
pub(super) fn is_well_formed(type_: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let (service, kind) = type_.strip_prefix("AWS::").and_then(|rest| rest.split_once("::")).unwrap_or_default();
    word(service) && word(kind)
}

/// Whether resources of this type can have an ARN, as far as is known.
pub(super) fn has_arns(type_: &str) -> bool {
    !matches!(find(type_), Some(No))
}

/// The service in the ARNs of this type, where it is known.
pub(super) fn arn_service(type_: &str) -> Option<&'static str> {
    match find(type_) {
        Some(Of(service)) => Some(service),
        Some(Any | No) | None => None,
    }
}

fn find(type_: &str) -> Option<Arns> {
    let at = TYPES.binary_search_by(|(name, _)| (*name).cmp(type_)).ok()?;
    TYPES.get(at).map(|(_, arns)| *arns)
}

/// Sorted by name. That metrics, traces and regional endpoints have no ARN is our reading of the guide.
#[rustfmt::skip]
const TYPES: &[(&str, Arns)] = &[
    ("AWS::AIOps::InvestigationGroup", Of("aiops")),
    ("AWS::AppConfig::Configuration", Of("appconfig")),
    ("AWS::AppSync::GraphQLApi", Of("appsync")),
    ("AWS::B2BI::Transformer", Of("b2bi")),
    ("AWS::Backup::SearchJob", Any),
    ("AWS::Bedrock::AgentAlias", Of("bedrock")),
    ("AWS::Bedrock::AsyncInvoke", Of("bedrock")),
    ("AWS::Bedrock::AutomatedReasoningPolicy", Of("bedrock")),
    ("AWS::Bedrock::Blueprint", Of("bedrock")),
    ("AWS::Bedrock::DataAutomationInvocation", Of("bedrock")),
    ("AWS::Bedrock::DataAutomationProfile", Of("bedrock")),
    ("AWS::Bedrock::DataAutomationProject", Of("bedrock")),
    ("AWS::Bedrock::FlowAlias", Of("bedrock")),
    ("AWS::Bedrock::FlowExecution", Of("bedrock")),
    ("AWS::Bedrock::Guardrail", Of("bedrock")),
    ("AWS::Bedrock::InlineAgent", Of("bedrock")),
    ("AWS::Bedrock::KnowledgeBase", Of("bedrock")),
    ("AWS::Bedrock::Model", Of("bedrock")),
    ("AWS::Bedrock::PromptVersion", Of("bedrock")),
    ("AWS::Bedrock::Session", Of("bedrock")),
    ("AWS::Bedrock::Tool", Any),
    ("AWS::BedrockAgentCore::APIKeyCredentialProvider", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::Browser", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::BrowserCustom", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::CodeInterpreter", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::CodeInterpreterCustom", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::Evaluator", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::Gateway", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::Memory", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::OAuth2CredentialProvider", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::Runtime", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::RuntimeEndpoint", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::TokenVault", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::WorkloadIdentity", Of("bedrock-agentcore")),
    ("AWS::BedrockAgentCore::WorkloadIdentityDirectory", Of("bedrock-agentcore")),
    ("AWS::Cassandra::Stream", Of("cassandra")),
    ("AWS::Cassandra::Table", Of("cassandra")),
    ("AWS::CloudFront::KeyValueStore", Of("cloudfront")),
    ("AWS::CloudTrail::Channel", Of("cloudtrail")),
    ("AWS::CloudWatch::Metric", No),
    ("AWS::CodeGuruProfiler::ProfilingGroup", Of("codeguru-profiler")),
    ("AWS::CodeWhisperer::Customization", Of("codewhisperer")),
    ("AWS::CodeWhisperer::Profile", Of("codewhisperer")),
    ("AWS::Cognito::IdentityPool", Of("cognito-identity")),
    ("AWS::DSQL::Cluster", Of("dsql")),
    ("AWS::DataExchange::Asset", Of("dataexchange")),
    ("AWS::Deadline::Fleet", Of("deadline")),
    ("AWS::Deadline::Job", Of("deadline")),
    ("AWS::Deadline::Queue", Of("deadline")),
    ("AWS::Deadline::Worker", Of("deadline")),
    ("AWS::DynamoDB::Stream", Of("dynamodb")),
    ("AWS::DynamoDB::Table", Of("dynamodb")),
    ("AWS::EC2::InstanceConnectEndpoint", Of("ec2")),
    ("AWS::EC2::Snapshot", Of("ec2")),
    ("AWS::ECS::ContainerInstance", Of("ecs")),
    ("AWS::EKS::Dashboard", Of("eks")),
    ("AWS::EMRWAL::Workspace", Of("emrwal")),
    ("AWS::Events::EventBus", Of("events")),
    ("AWS::FSx::Volume", Of("fsx")),
    ("AWS::FinSpace::Environment", Of("finspace")),
    ("AWS::GameLiftStreams::Application", Of("gameliftstreams")),
    ("AWS::GameLiftStreams::StreamGroup", Of("gameliftstreams")),
    ("AWS::GeoMaps::Provider", Of("geo-maps")),
    ("AWS::GeoPlaces::Provider", Of("geo-places")),
    ("AWS::GeoRoutes::Provider", Of("geo-routes")),
    ("AWS::Glue::Table", Of("glue")),
    ("AWS::GreengrassV2::ComponentVersion", Of("greengrass")),
    ("AWS::GreengrassV2::Deployment", Of("greengrass")),
    ("AWS::GuardDuty::Detector", Of("guardduty")),
    ("AWS::GuardDuty::MalwareScan", Of("guardduty")),
    ("AWS::IoT::Certificate", Of("iot")),
    ("AWS::IoT::Thing", Of("iot")),
    ("AWS::IoTSiteWise::Asset", Of("iotsitewise")),
    ("AWS::IoTSiteWise::TimeSeries", Of("iotsitewise")),
    ("AWS::IoTTwinMaker::Entity", Of("iottwinmaker")),
    ("AWS::IoTTwinMaker::Workspace", Of("iottwinmaker")),
    ("AWS::KendraRanking::ExecutionPlan", Of("kendra-ranking")),
    ("AWS::Kinesis::Stream", Of("kinesis")),
    ("AWS::Kinesis::StreamConsumer", Of("kinesis")),
    ("AWS::KinesisFirehose::DeliveryStream", Of("firehose")),
    ("AWS::KinesisVideo::SignalingChannel", Of("kinesisvideo")),
    ("AWS::KinesisVideo::Stream", Of("kinesisvideo")),
    ("AWS::Lambda::Function", Of("lambda")),
    ("AWS::Logs::LogGroup", Of("logs")),
    ("AWS::MWAA::Environment", Of("airflow")),
    ("AWS::MachineLearning::MlModel", Of("machinelearning")),
    ("AWS::ManagedBlockchain::Network", Of("managedblockchain")),
    ("AWS::ManagedBlockchain::Node", Of("managedblockchain")),
    ("AWS::ManagedBlockchainQuery::QueryAPI", Any),
    ("AWS::MedicalImaging::Datastore", Of("medical-imaging")),
    ("AWS::MedicalImaging::Imageset", Of("medical-imaging")),
    ("AWS::NeptuneGraph::Graph", Of("neptune-graph")),
    ("AWS::NetworkFlowMonitor::Monitor", Of("networkflowmonitor")),
    ("AWS::NetworkFlowMonitor::Scope", Of("networkflowmonitor")),
    ("AWS::One::UKey", Any),
    ("AWS::One::User", Any),
    ("AWS::PCAConnectorAD::Connector", Of("pca-connector-ad")),
    ("AWS::PCAConnectorSCEP::Connector", Of("pca-connector-scep")),
    ("AWS::PaymentCryptography::Alias", Of("payment-cryptography")),
    ("AWS::PaymentCryptography::Key", Of("payment-cryptography")),
    ("AWS::Pinpoint::App", Of("mobiletargeting")),
    ("AWS::QApps::QApp", Of("qapps")),
    ("AWS::QApps::QAppSession", Of("qapps")),
    ("AWS::QBusiness::Application", Of("qbusiness")),
    ("AWS::QBusiness::DataSource", Of("qbusiness")),
    ("AWS::QBusiness::Index", Of("qbusiness")),
    ("AWS::QBusiness::Integration", Of("qbusiness")),
    ("AWS::QBusiness::WebExperience", Of("qbusiness")),
    ("AWS::QDeveloper::Integration", Any),
    ("AWS::QuickSight::Flow", Of("quicksight")),
    ("AWS::QuickSight::FlowSession", Of("quicksight")),
    ("AWS::Quicksight::ActionConnector", Of("quicksight")),
    ("AWS::RDS::DBCluster", Of("rds")),
    ("AWS::RUM::AppMonitor", Of("rum")),
    ("AWS::Redshift::Cluster", Any),
    ("AWS::S3::AccessPoint", Of("s3")),
    ("AWS::S3::Object", Of("s3")),
    ("AWS::S3Express::Object", Of("s3express")),
    ("AWS::S3ObjectLambda::AccessPoint", Of("s3-object-lambda")),
    ("AWS::S3Outposts::Object", Of("s3-outposts")),
    ("AWS::S3Tables::Table", Of("s3tables")),
    ("AWS::S3Tables::TableBucket", Of("s3tables")),
    ("AWS::S3Vectors::Index", Of("s3vectors")),
    ("AWS::S3Vectors::VectorBucket", Of("s3vectors")),
    ("AWS::SCN::Instance", Of("scn")),
    ("AWS::SDB::Domain", Of("sdb")),
    ("AWS::SES::ConfigurationSet", Of("ses")),
    ("AWS::SES::EmailIdentity", Of("ses")),
    ("AWS::SES::Template", Of("ses")),
    ("AWS::SMSVoice::Message", Of("sms-voice")),
    ("AWS::SMSVoice::OriginationIdentity", Of("sms-voice")),
    ("AWS::SNS::PlatformEndpoint", Of("sns")),
    ("AWS::SNS::Topic", Of("sns")),
    ("AWS::SQS::Queue", Of("sqs")),
    ("AWS::SSM::ExecutionPreview", Of("ssm")),
    ("AWS::SSM::ManagedNode", Any),
    ("AWS::SSMMessages::ControlChannel", Of("ssmmessages")),
    ("AWS::SWF::Domain", Of("swf")),
    ("AWS::SageMaker::Endpoint", Of("sagemaker")),
    ("AWS::SageMaker::ExperimentTrialComponent", Of("sagemaker")),
    ("AWS::SageMaker::FeatureGroup", Of("sagemaker")),
    ("AWS::SageMaker::MlflowTrackingServer", Of("sagemaker")),
    ("AWS::ServiceDiscovery::Namespace", Of("servicediscovery")),
    ("AWS::ServiceDiscovery::Service", Of("servicediscovery")),
    ("AWS::Signer::SigningJob", Of("signer")),
    ("AWS::Signer::SigningProfile", Of("signer")),
    ("AWS::SitewiseAssistant::Conversation", Any),
    ("AWS::SocialMessaging::PhoneNumberId", Of("social-messaging")),
    ("AWS::SocialMessaging::WabaId", Of("social-messaging")),
    ("AWS::StepFunctions::Activity", Of("states")),
    ("AWS::StepFunctions::StateMachine", Of("states")),
    ("AWS::ThinClient::Device", Of("thinclient")),
    ("AWS::ThinClient::Environment", Of("thinclient")),
    ("AWS::Timestream::Database", Of("timestream")),
    ("AWS::Timestream::RegionalEndpoint", No),
    ("AWS::Timestream::Table", Of("timestream")),
    ("AWS::VerifiedPermissions::PolicyStore", Of("verifiedpermissions")),
    ("AWS::XRay::Trace", No),
];

#[cfg(test)]
pub(super) fn is_sorted() -> bool {
    TYPES.is_sorted_by(|a, b| a.0 < b.0)
}
