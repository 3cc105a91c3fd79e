//! Messages as publishers write them, in either byte order.

/// The fields of a `sensor_msgs/msg/Image`, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct ImageFields {
    pub width: u32,
    pub height: u32,
    pub encoding: String,
    pub is_bigendian: u8,
    pub step: u32,
    pub data: Vec<u8>,
}

impl ImageFields {
    /// The message, with a stamp of 7 s and 8 ns and the frame `camera`.
    pub(crate) fn serialize(&self, big_endian: bool) -> Vec<u8> {
        let mut cdr = Cdr {
            bytes: vec![0, u8::from(!big_endian), 0, 0],
            big_endian,
        };
        cdr.number(7);
        cdr.number(8);
        cdr.string("camera");
        cdr.number(self.height);
        cdr.number(self.width);
        cdr.string(&self.encoding);
        cdr.bytes.push(self.is_bigendian);
        cdr.number(self.step);
        cdr.number(self.data.len() as u32);
        cdr.bytes.extend(&self.data);
        cdr.bytes
    }
}

struct Cdr {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Cdr {
    fn number(&mut self, value: u32) {
        let aligned = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(aligned, 0);
        let bytes = if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.bytes.extend(bytes);
    }

    fn string(&mut self, text: &str) {
        self.number(text.len() as u32 + 1);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }
}
