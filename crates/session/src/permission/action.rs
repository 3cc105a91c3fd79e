//! Actions that participants ask for.

/// An action that a participant asks for. Those without a name ask whether it is possible at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    See {
        topic: &'a str,
    },
    Publish {
        topic: &'a str,
    },
    /// To publish on a command topic.
    Drive {
        topic: &'a str,
    },
    /// To take a command topic from a viewer without this right.
    OverrideDriver,
    CallServices,
    CallService {
        service: &'a str,
    },
    GetParameters,
    GetParameter {
        name: &'a str,
    },
    SetParameters,
    SetParameter {
        name: &'a str,
    },
    SubscribeParameters,
    WatchGraph,
    FetchAssets,
    FetchAsset {
        uri: &'a str,
    },
}

impl<'a> Action<'a> {
    /// Whether it writes to the robot.
    pub(super) fn writes(self) -> bool {
        match self {
            Self::Publish { .. }
            | Self::Drive { .. }
            | Self::OverrideDriver
            | Self::CallServices
            | Self::CallService { .. }
            | Self::SetParameters
            | Self::SetParameter { .. } => true,
            Self::See { .. }
            | Self::GetParameters
            | Self::GetParameter { .. }
            | Self::SubscribeParameters
            | Self::WatchGraph
            | Self::FetchAssets
            | Self::FetchAsset { .. } => false,
        }
    }

    /// Name of the action, for people.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::See { .. } => "seeing",
            Self::Publish { .. } => "publishing",
            Self::Drive { .. } => "driving",
            Self::OverrideDriver => "taking the wheel",
            Self::CallServices | Self::CallService { .. } => "calling services",
            Self::GetParameters | Self::GetParameter { .. } => "reading parameters",
            Self::SetParameters | Self::SetParameter { .. } => "setting parameters",
            Self::SubscribeParameters => "watching parameters",
            Self::WatchGraph => "watching the connection graph",
            Self::FetchAssets | Self::FetchAsset { .. } => "fetching assets",
        }
    }

    /// The name of what it is done to, if it has one.
    pub(crate) fn name(self) -> Option<&'a str> {
        match self {
            Self::See { topic } | Self::Publish { topic } | Self::Drive { topic } => Some(topic),
            Self::CallService { service } => Some(service),
            Self::GetParameter { name } | Self::SetParameter { name } => Some(name),
            Self::FetchAsset { uri } => Some(uri),
            Self::OverrideDriver
            | Self::CallServices
            | Self::GetParameters
            | Self::SetParameters
            | Self::SubscribeParameters
            | Self::WatchGraph
            | Self::FetchAssets => None,
        }
    }
}
