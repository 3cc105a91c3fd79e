//! Services of the robot and their calls.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::binary::{put_text, BinaryError, Fields};
use crate::{CallId, ServiceId};

/// A service as the robot advertises it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The service's id.
    pub id: ServiceId,
    /// Its name, for ROS fully qualified.
    pub name: String,
    /// Its type: for ROS 2 `package/srv/Type`.
    #[serde(rename = "type")]
    pub service_type: String,
    /// Schema of requests.
    pub request: ServiceSchema,
    /// Schema of responses.
    pub response: ServiceSchema,
}

/// Schema of the request or the response of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSchema {
    /// Encoding of the request or response: `cdr` for ROS 2.
    pub encoding: String,
    /// Name of the schema: for ROS 2 `package/srv/Type_Request` or `…_Response`.
    pub schema_name: String,
    /// Encoding of the schema: `ros2msg` or `ros2idl`.
    pub schema_encoding: String,
    /// The definition with all that it depends on.
    pub schema: String,
}

/// The request of a service call, or the response to one. Both have the same layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePayload {
    /// The service.
    pub service: ServiceId,
    /// The call.
    pub call: CallId,
    /// Encoding of the payload: `cdr` or `json`.
    pub encoding: String,
    /// The request or the response.
    pub payload: Bytes,
}

impl ServicePayload {
    pub(crate) fn parse(mut fields: Fields) -> Result<Self, BinaryError> {
        Ok(Self {
            service: ServiceId(fields.u32()?),
            call: CallId(fields.u32()?),
            encoding: fields.text()?,
            payload: fields.rest(),
        })
    }

    /// Writes what follows the opcode. `None` if the encoding is longer than its length field.
    pub(crate) fn write(&self, out: &mut BytesMut) -> Option<()> {
        out.reserve(12 + self.encoding.len() + self.payload.len());
        out.put_u32_le(self.service.0);
        out.put_u32_le(self.call.0);
        put_text(out, &self.encoding)?;
        out.put_slice(&self.payload);
        Some(())
    }
}
