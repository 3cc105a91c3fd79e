//! Clouds as Draco, decoded again.

use draco_core::{DataType, DecoderBuffer, PointAttribute, PointCloudDecoder};
use proptest::prelude::*;
use remote_access_cdr::{Builder, CdrError, Definition, Reader};
use remote_access_media::{PointCloud, Reduction, COMPRESSED_POINT_CLOUD};

const INT16: u8 = 3;
const UINT32: u8 = 6;
const FLOAT32: u8 = 7;
const FLOAT64: u8 = 8;
/// As far as rounding of `float` may add to half a step, at 50 m.
const ROUNDING: f32 = 5e-5;

/// A field's name, datatype, elements and the bytes that each point has in it.
type Field<'a> = (&'a str, u8, u32, Vec<Vec<u8>>);

fn message(frame: &str, big_endian: bool, fields: &[Field<'_>]) -> Result<Vec<u8>, CdrError> {
    let count = fields[0].3.len();
    let mut message = Builder::new(100_000_000);
    message.i32(7)?.u32(8)?.string(frame)?;
    message
        .u32(1)?
        .u32(count as u32)?
        .u32(fields.len() as u32)?;
    let mut point_step = 0;
    for (name, datatype, elements, values) in fields {
        message.string(name)?.u32(point_step)?;
        message.u8(*datatype)?.u32(*elements)?;
        point_step += values.first().map_or(0, Vec::len) as u32;
    }
    let data: Vec<u8> = (0..count)
        .flat_map(|point| {
            let values = fields.iter().map(move |(.., values)| &values[point]);
            values.flatten().copied()
        })
        .collect();
    message.u8(big_endian.into())?.u32(point_step)?;
    message.u32(data.len() as u32)?.bytes(&data)?.u8(1)?;
    Ok(message.finish())
}

fn little(values: impl IntoIterator<Item = f32>) -> Vec<Vec<u8>> {
    let values = values.into_iter();
    values.map(|value| value.to_le_bytes().to_vec()).collect()
}

/// The three fields of positions.
fn positions(points: &[[f32; 3]]) -> Vec<Field<'static>> {
    ["x", "y", "z"]
        .into_iter()
        .enumerate()
        .map(|(axis, name)| {
            let values = little(points.iter().map(|point| point[axis]));
            (name, FLOAT32, 1, values)
        })
        .collect()
}

fn cloud(points: &[[f32; 3]], others: Vec<Field<'_>>) -> Vec<u8> {
    let mut fields = positions(points);
    fields.extend(others);
    message("lidar", false, &fields).expect("fits")
}

fn all(fields: &[&str]) -> Reduction {
    Reduction {
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
        voxel: None,
        most_points: usize::MAX,
    }
}

/// The data of a message, which matches its definition.
fn data_of(message: &[u8], frame: &str) -> Vec<u8> {
    let definition =
        Definition::parse(COMPRESSED_POINT_CLOUD.name, COMPRESSED_POINT_CLOUD.text).expect("valid");
    assert_eq!(definition.check(message), Ok(message.len()));
    let json = definition.to_json(message, 100_000_000).expect("JSON");
    let json = String::from_utf8(json).expect("text");
    let said = format!(r#""frame_id":"{frame}""#);
    for said in [&*said, r#""sec":7"#, r#""w":1"#, r#""format":"draco""#] {
        assert!(json.replace(' ', "").contains(said), "{said}: {json:.300}");
    }
    let mut reader = Reader::new(message).expect("CDR");
    let header = (reader.i32(), reader.u32(), reader.string());
    assert_eq!(header, (Ok(7), Ok(8), Ok(frame)));
    // The pose begins at a multiple of eight, with 56 bytes of it.
    let read = 4 + 4 + 4 + frame.len() + 1;
    let body = message[4 + read.next_multiple_of(8) + 56..].to_vec();
    let length = u32::from_le_bytes(body[..4].try_into().expect("four")) as usize;
    body[4..4 + length].to_vec()
}

struct Decoded {
    points: Vec<[f32; 3]>,
    cloud: draco_core::PointCloud,
}

impl Decoded {
    fn of(message: &[u8], reduction: &Reduction, step: f32) -> Self {
        let cloud = PointCloud::parse(message).expect("a cloud");
        let written = cloud.draco(reduction, step).expect("encodes");
        let data = data_of(&written, "lidar");
        let mut cloud = draco_core::PointCloud::new();
        PointCloudDecoder::new()
            .decode(&mut DecoderBuffer::new(&data), &mut cloud)
            .expect("decodes");
        let points = cloud
            .attribute(0)
            .read_f32s(cloud.num_points(), 3)
            .chunks_exact(3)
            .map(|point| [point[0], point[1], point[2]])
            .collect();
        Self { points, cloud }
    }

    fn field(&self, name: &str) -> Option<&PointAttribute> {
        let found = self.cloud.attribute_metadata_by_string_entry("name", name);
        self.cloud
            .attribute_by_unique_id(found?.attribute_unique_id())
    }

    /// The bytes of a field, and its type.
    fn bytes(&self, name: &str) -> (DataType, &[u8]) {
        let field = self.field(name).expect(name);
        (field.data_type(), field.buffer().data())
    }
}

/// The largest distance in any direction between points that belong together by `key`.
fn largest_error(sent: &[[f32; 3]], got: &[[f32; 3]], key: &[u32]) -> f32 {
    assert_eq!(got.len(), sent.len());
    let errors = got.iter().zip(key).flat_map(|(point, number)| {
        let original = sent[*number as usize];
        (0..3).map(move |axis| (point[axis] - original[axis]).abs())
    });
    errors.fold(0.0, f32::max)
}

/// Points with their number as a field, so that each is found again in another order.
fn numbered(points: &[[f32; 3]]) -> Vec<u8> {
    let numbers = (0..points.len() as u32).map(|number| number.to_le_bytes().to_vec());
    cloud(points, vec![("number", UINT32, 1, numbers.collect())])
}

fn numbers(decoded: &Decoded) -> Vec<u32> {
    let (data_type, bytes) = decoded.bytes("number");
    assert_eq!(data_type, DataType::Uint32);
    let numbers = bytes.chunks_exact(4);
    numbers
        .map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four")))
        .collect()
}

fn spiral(count: usize) -> Vec<[f32; 3]> {
    let points = (0..count).map(|number| {
        let angle = number as f32 * 0.01;
        let far = 3.0 + (number % 977) as f32 * 0.05;
        [far * angle.cos(), far * angle.sin(), angle.sin() * 1.7]
    });
    points.collect()
}

#[test]
fn each_point_is_off_by_at_most_half_a_step() {
    let points = spiral(20_000);
    for step in [0.001, 0.01, 0.3] {
        let decoded = Decoded::of(&numbered(&points), &all(&["number"]), step);
        let error = largest_error(&points, &decoded.points, &numbers(&decoded));
        assert!(error <= step / 2.0 + ROUNDING, "{error} at {step}");
        assert!(error > step / 4.0, "finer than asked for: {error}");
    }
}

#[test]
fn a_point_that_stays_is_the_same_in_every_cloud() {
    let still = [1.234, -5.678, 0.321];
    let place = |others: &[[f32; 3]]| {
        let points = [&[still], others].concat();
        let decoded = Decoded::of(&numbered(&points), &all(&["number"]), 0.01);
        let at = numbers(&decoded).iter().position(|number| *number == 0);
        decoded.points[at.expect("there")]
    };
    let alone = place(&[]);
    for far in [3.0, 7.77, 51.3] {
        let here = place(&[[far, 0.0, 0.0], [0.0, -far, far]]);
        let moved = (0..3).map(|axis| (here[axis] - alone[axis]).abs());
        assert!(moved.fold(0.0, f32::max) < 0.0005, "{here:?} {alone:?}");
    }
}

#[test]
fn a_cloud_takes_a_fraction_of_its_bytes() {
    let message = cloud(&spiral(20_000), Vec::new());
    let cloud = PointCloud::parse(&message).expect("a cloud");
    let written = cloud.draco(&all(&[]), 0.01).expect("encodes");
    assert!(written.len() * 4 < message.len(), "{}", written.len());
}

#[test]
fn fields_keep_their_values() {
    let points = spiral(300);
    let number = |number: usize| number as f32;
    let many = || 0..points.len();
    let bytes = |of: &dyn Fn(usize) -> Vec<u8>| many().map(of).collect::<Vec<_>>();
    let others = vec![
        (
            "intensity",
            FLOAT32,
            1,
            little(many().map(|n| number(n % 256))),
        ),
        (
            "range",
            FLOAT32,
            1,
            little(many().map(|n| number(n) * 200.0)),
        ),
        (
            "speed",
            FLOAT32,
            1,
            little(many().map(|n| number(n) * 0.31 - 40.0)),
        ),
        (
            "rgb",
            FLOAT32,
            1,
            bytes(&|n| vec![n as u8, 0x7f, 0xff, 0x7f]),
        ),
        (
            "time",
            FLOAT64,
            1,
            bytes(&|n| (n as f64 * 0.5).to_le_bytes().to_vec()),
        ),
        (
            "ring",
            INT16,
            1,
            bytes(&|n| (n as i16 - 150).to_le_bytes().to_vec()),
        ),
        ("normal", FLOAT32, 3, bytes(&|_| vec![0; 12])),
    ];
    let names = [
        "intensity",
        "range",
        "speed",
        "rgb",
        "time",
        "ring",
        "normal",
    ];
    let decoded = Decoded::of(&cloud(&points, others), &all(&names), 0.01);
    // The order is another one, so values are compared as sets.
    let (data_type, bytes) = decoded.bytes("intensity");
    assert_eq!(data_type, DataType::Uint8);
    let mut values = bytes.to_vec();
    values.sort_unstable();
    let mut wanted: Vec<_> = many().map(|n| n as u8).collect();
    wanted.sort_unstable();
    assert_eq!(values, wanted);
    // 59,800 is the largest.
    assert_eq!(decoded.bytes("range").0, DataType::Uint16);
    let (data_type, bytes) = decoded.bytes("rgb");
    assert_eq!(data_type, DataType::Uint32);
    assert!(bytes
        .chunks_exact(4)
        .all(|colour| colour[1..] == [0x7f, 0xff, 0x7f]));
    let (data_type, bytes) = decoded.bytes("ring");
    assert_eq!(data_type, DataType::Int16);
    let mut values: Vec<_> = bytes
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    values.sort_unstable();
    assert_eq!(values, (-150..150).collect::<Vec<i16>>());
    for (name, step) in [("speed", 0.31), ("time", 0.5)] {
        let field = decoded.field(name).expect(name);
        let mut values = field.read_f32s(300, 1);
        values.sort_by(f32::total_cmp);
        let first = if name == "speed" { -40.0 } else { 0.0 };
        let error = values
            .iter()
            .zip(0u16..)
            .map(|(value, n)| (value - (first + f32::from(n) * step)).abs());
        assert!(
            error.fold(0.0, f32::max) <= 299.0 * step / 510.0 + ROUNDING,
            "{name}"
        );
    }
    assert!(decoded.field("normal").is_none(), "three elements");
    assert_eq!(decoded.cloud.num_attributes(), 7);
}

#[test]
fn clouds_of_big_endian_machines_are_read() {
    let big = |value: f32| value.to_be_bytes().to_vec();
    let fields: Vec<Field<'_>> = [("x", 1.0), ("y", -2.0), ("z", 3.0), ("intensity", 200.0)]
        .map(|(name, value)| (name, FLOAT32, 1, vec![big(value)]))
        .to_vec();
    let message = message("lidar", true, &fields).expect("fits");
    let decoded = Decoded::of(&message, &all(&["intensity"]), 0.01);
    let point = decoded.points[0];
    let error = (0..3).map(|axis| (point[axis] - [1.0, -2.0, 3.0][axis]).abs());
    assert!(error.fold(0.0, f32::max) <= 0.006, "{point:?}");
    assert_eq!(decoded.bytes("intensity"), (DataType::Uint8, &[200][..]));
}

#[test]
fn an_empty_cloud_has_no_data_whatever_its_frame_is_called() {
    for frame in ["", "a", "front_left", "a_long_name_of_a_lidar"] {
        let fields = positions(&[[f32::NAN, 0.0, 0.0]]);
        let message = message(frame, false, &fields).expect("fits");
        let cloud = PointCloud::parse(&message).expect("a cloud");
        let written = cloud.draco(&all(&[]), 0.01).expect("encodes");
        assert!(data_of(&written, frame).is_empty());
    }
}

#[test]
fn a_cloud_too_wide_for_its_step_has_a_coarser_one() {
    let points = [[-4.0e6, 0.0, 0.0], [4.0e6, 1.0, 2.0], [0.0, 3.0, 4.0]];
    let decoded = Decoded::of(&numbered(&points), &all(&["number"]), 0.001);
    let error = largest_error(&points, &decoded.points, &numbers(&decoded));
    assert!(error <= 1.0, "{error}");
    let wide = cloud(&[[f32::MIN, 0.0, 0.0], [f32::MAX, 0.0, 0.0]], Vec::new());
    let wide = PointCloud::parse(&wide).expect("a cloud");
    assert!(wide.draco(&all(&[]), 0.001).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Any positions and values, also such that are no numbers.
    #[test]
    fn whatever_a_cloud_holds_is_encoded_or_refused(
        points in proptest::collection::vec(any::<[u32; 5]>(), 1..40),
        step in 0.0f32..1.0,
    ) {
        let bytes = |at: usize| {
            let values = points.iter().map(|point| point[at].to_le_bytes().to_vec());
            values.collect::<Vec<_>>()
        };
        let fields: Vec<Field<'_>> = ["x", "y", "z", "intensity", "rgb"]
            .into_iter()
            .enumerate()
            .map(|(at, name)| (name, FLOAT32, 1, bytes(at)))
            .collect();
        let message = message("lidar", false, &fields).expect("fits");
        let cloud = PointCloud::parse(&message).expect("a cloud");
        if let Ok(written) = cloud.draco(&all(&["intensity", "rgb"]), step) {
            data_of(&written, "lidar");
        }
    }
}
