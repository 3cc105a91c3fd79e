//! What a cloud of a lidar takes, encoded: bytes, CPU and the error.
//!
//!     cargo run --release -p remote_access_media --example clouds
//!
//! The lidar has 64 beams and 938 columns and stands in a street: ground, house fronts, a slanted wall. Distances
//! have a noise of 1 cm, intensities are whole numbers with a noise of 12 steps.

#[path = "support/cpu.rs"]
mod cpu;

use cpu::cpu_ms;
use draco_core::{
    DataType, DecoderBuffer, EncoderBuffer, EncoderOptions, GeometryAttributeType, PointAttribute,
    PointCloud as DracoCloud, PointCloudDecoder, PointCloudEncoder,
};
use remote_access_cdr::{Builder, CdrError};
use remote_access_media::{PointCloud, Reduction};

const BEAMS: u32 = 64;
const COLUMNS: u32 = 938;
/// Clouds that are encoded for a figure, and how many a lidar makes in a second.
const CLOUDS: u32 = 20;
const RATE: f64 = 10.0;
/// Draco's numbers for its methods, and for most compression and for speed.
const METHODS: [(&str, i32); 2] = [("sequential", 0), ("k-d tree", 1)];
const LEVELS: [i32; 3] = [1, 5, 10];

/// The error of a message, in metres.
type Error = fn(&[u8], &[[f32; 4]]) -> f32;

fn main() {
    let clouds: Vec<_> = (0..CLOUDS).map(street).collect();
    let messages: Vec<_> = clouds
        .iter()
        .map(|points| message(points).expect("fits"))
        .collect();
    let count = clouds[0].len();
    println!("{count} points, {} kB raw\n", messages[0].len() / 1000);
    println!("| encoded | bytes/point | MB/s at 10 Hz | CPU ms | largest error mm |");
    println!("|---|---|---|---|---|");
    let row = |name: &str, encode: &dyn Fn(usize) -> Vec<u8>, error: Option<Error>| {
        let began = cpu_ms();
        let encoded: Vec<_> = (0..clouds.len()).map(encode).collect();
        let cpu = (cpu_ms() - began) / clouds.len() as f64;
        let bytes: usize = encoded.iter().map(Vec::len).sum();
        let each = bytes as f64 / clouds.len() as f64;
        let (of_point, rate) = (each / count as f64, each * RATE / 1e6);
        let error = error.map_or_else(String::new, |error| {
            let errors = encoded
                .iter()
                .zip(&clouds)
                .map(|(one, points)| error(one, points));
            format!("{:.1}", 1000.0 * errors.fold(0.0, f32::max))
        });
        println!("| {name} | {of_point:.2} | {rate:.2} | {cpu:.1} | {error} |");
    };
    let cloud = |number: usize| PointCloud::parse(&messages[number]).expect("a cloud");
    let reduction = |voxel, most_points| Reduction {
        fields: vec!["intensity".to_owned()],
        voxel,
        most_points,
    };
    let fewer = reduction(Some(0.1), 20_000);
    row(
        "reduced, at most 20,000 points",
        &|number| cloud(number).reduced(&fewer).expect("fits"),
        None,
    );
    let all = reduction(None, usize::MAX);
    for millimetres in [5u16, 10, 20, 50] {
        let step = f32::from(millimetres) / 1000.0;
        let encode = |number| cloud(number).draco(&all, step).expect("encodes");
        row(&format!("draco, step {millimetres} mm"), &encode, Some(off));
    }
    // Fifteen bits are a step of 5 mm here, as wide as the street is.
    for (name, method) in METHODS {
        for level in LEVELS {
            let encode = |number: usize| plain(&clouds[number], method, level);
            row(&format!("{name}, level {level}, 15 bits"), &encode, None);
        }
    }
}

/// x, y, z and the intensity of what the lidar sees.
fn street(number: u32) -> Vec<[f32; 4]> {
    /// Directions and distances of walls.
    const WALLS: [(f32, f32, f32); 5] = [
        (1.0, 0.0, 30.0),
        (-1.0, 0.0, 40.0),
        (0.0, 1.0, 9.0),
        (0.0, -1.0, 11.0),
        (0.7, 0.7, 14.0),
    ];
    let mut state = 12_345 + u64::from(number) * 7_919;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let mut points = Vec::new();
    for column in 0..COLUMNS {
        for beam in 0..BEAMS {
            let around = column as f32 / COLUMNS as f32 * std::f32::consts::TAU;
            let up = (beam as f32 * 40.0 / 63.0 - 25.0).to_radians();
            let ray = [up.cos() * around.cos(), up.cos() * around.sin(), up.sin()];
            let mut distance = if ray[2] < 0.0 { 1.8 / -ray[2] } else { 120.0 };
            let mut material = 0;
            for (wall, (x, y, away)) in (1..).zip(WALLS) {
                let towards = ray[0] * x + ray[1] * y;
                let there = away / towards;
                if towards > 0.0 && there < distance && ray[2] * there < 8.0 {
                    (distance, material) = (there, wall);
                }
            }
            // Of three numbers the sum is nearly normal.
            let noise = random() + random() + random() - 1.5;
            let distance = distance.min(120.0) + noise * 0.02;
            let intensity = 20.0 + material as f32 * 25.0 + (random() * 12.0).floor();
            let [x, y, z] = ray.map(|part| part * distance);
            points.push([x, y, z, intensity]);
        }
    }
    points
}

fn message(points: &[[f32; 4]]) -> Result<Vec<u8>, CdrError> {
    let count = points.len() as u32;
    let mut message = Builder::new(100_000_000);
    message.i32(1)?.u32(0)?.string("lidar")?;
    message.u32(1)?.u32(count)?.u32(4)?;
    for (name, offset) in [("x", 0), ("y", 4), ("z", 8), ("intensity", 12)] {
        message.string(name)?.u32(offset)?.u8(7)?.u32(1)?;
    }
    let data: Vec<u8> = points
        .as_flattened()
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    message
        .u8(0)?
        .u32(16)?
        .u32(16 * count)?
        .bytes(&data)?
        .u8(1)?;
    Ok(message.finish())
}

/// The largest distance along an axis from a decoded point to the nearest one that was sent.
fn off(message: &[u8], points: &[[f32; 4]]) -> f32 {
    // Stamp, frame and pose are before the length of the data.
    let data = &message[4 + 24 + 56 + 4..];
    let mut cloud = DracoCloud::new();
    PointCloudDecoder::new()
        .decode(&mut DecoderBuffer::new(data), &mut cloud)
        .expect("decodes");
    assert_eq!(cloud.num_points(), points.len());
    let decoded = cloud.attribute(0).read_f32s(points.len(), 3);
    let mut sent: Vec<_> = points.iter().map(|[x, y, z, _]| [*x, *y, *z]).collect();
    sent.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let nearest = decoded.chunks_exact(3).map(|point| {
        let first = sent.partition_point(|other| other[0] < point[0] - 0.05);
        let near = sent[first..]
            .iter()
            .take_while(|other| other[0] < point[0] + 0.05);
        let distances = near.map(|other| {
            let axes = (0..3).map(|axis| (other[axis] - point[axis]).abs());
            axes.fold(0.0, f32::max)
        });
        distances.fold(f32::INFINITY, f32::min)
    });
    nearest.fold(0.0, f32::max)
}

/// A cloud by another method of Draco.
fn plain(points: &[[f32; 4]], method: i32, level: i32) -> Vec<u8> {
    let mut cloud = DracoCloud::new();
    let mut options = EncoderOptions::new();
    options.set_encoding_method(method);
    options.set_compression_level(level);
    let positions = points.iter().flat_map(|point| &point[..3]);
    let positions: Vec<u8> = positions.flat_map(|value| value.to_le_bytes()).collect();
    let intensities: Vec<u8> = points.iter().map(|point| point[3] as u8).collect();
    for (kind, components, data_type, bytes) in [
        (
            GeometryAttributeType::Position,
            3,
            DataType::Float32,
            positions,
        ),
        (
            GeometryAttributeType::Generic,
            1,
            DataType::Uint8,
            intensities,
        ),
    ] {
        let mut attribute = PointAttribute::new();
        attribute.init(kind, components, data_type, false, points.len());
        attribute.buffer_mut().write(0, &bytes);
        let id = cloud.add_attribute(attribute);
        if data_type == DataType::Float32 {
            options.set_attribute_quantization(id, 15);
        }
    }
    cloud.set_num_points(points.len());
    let mut encoder = PointCloudEncoder::new();
    encoder.set_point_cloud(cloud);
    let mut encoded = EncoderBuffer::new();
    encoder.encode(&options, &mut encoded).expect("encodes");
    encoded.data().to_vec()
}
