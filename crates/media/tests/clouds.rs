//! Clouds of points, reduced.

use remote_access_cdr::{Builder, Reader};
use remote_access_media::{CloudError, MediaError, PointCloud, Reduction};

/// A cloud with the fields x, y, z, intensity and ring in 24 bytes a point.
struct Cloud {
    points: Vec<[f32; 4]>,
    height: u32,
    width: u32,
    point_step: u32,
    row_step: u32,
    datatype: u8,
    count: u32,
}

fn cloud(points: Vec<[f32; 4]>) -> Cloud {
    let count = points.len() as u32;
    Cloud {
        points,
        height: 1,
        width: count,
        point_step: 24,
        row_step: 24 * count,
        datatype: 7,
        count: 1,
    }
}

impl Cloud {
    fn message(&self) -> Vec<u8> {
        let mut message = Builder::new(100_000_000);
        let width = self.width;
        let mut write = || {
            message
                .i32(7)?
                .u32(8)?
                .string("lidar")?
                .u32(self.height)?
                .u32(width)?
                .u32(5)?;
            for (name, offset) in [
                ("x", 0),
                ("y", 4),
                ("z", 8),
                ("intensity", 16),
                ("ring", 20),
            ] {
                message
                    .string(name)?
                    .u32(offset)?
                    .u8(self.datatype)?
                    .u32(self.count)?;
            }
            let data: Vec<u8> = self
                .points
                .iter()
                .flat_map(|[x, y, z, intensity]| {
                    [*x, *y, *z, -1.0, *intensity, 5.0]
                        .into_iter()
                        .flat_map(f32::to_le_bytes)
                })
                .collect();
            message
                .u8(0)?
                .u32(self.point_step)?
                .u32(self.row_step)?
                .bytes(&data)?
                .u8(0)?;
            Ok::<_, remote_access_cdr::CdrError>(())
        };
        write().expect("fits");
        message.finish()
    }

    fn reduced(&self, reduction: &Reduction) -> Result<Reduced, MediaError> {
        let message = PointCloud::parse(&self.message())?.reduced(reduction)?;
        Ok(read(&message))
    }
}

/// What a viewer sees.
#[derive(Debug, PartialEq)]
struct Reduced {
    fields: Vec<(String, u32)>,
    points: Vec<Vec<f32>>,
}

fn read(message: &[u8]) -> Reduced {
    let mut reader = Reader::new(message).expect("CDR");
    assert_eq!(
        (reader.i32(), reader.u32(), reader.string()),
        (Ok(7), Ok(8), Ok("lidar"))
    );
    let (height, width) = (reader.u32().unwrap(), reader.u32().unwrap());
    assert_eq!(height, 1);
    let mut fields = Vec::new();
    for _ in 0..reader.u32().unwrap() {
        fields.push((reader.string().unwrap().to_owned(), reader.u32().unwrap()));
        assert_eq!((reader.u8(), reader.u32()), (Ok(7), Ok(1)));
    }
    assert_eq!(reader.u8(), Ok(0));
    let point_step = reader.u32().unwrap() as usize;
    assert_eq!(reader.u32().unwrap(), point_step as u32 * width);
    let data = reader.bytes().unwrap();
    assert_eq!(reader.u8(), Ok(1), "all points are valid");
    let points = data.chunks_exact(point_step.max(1)).map(|point| {
        let values = point
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        values.collect()
    });
    let points: Vec<Vec<f32>> = points.collect();
    assert_eq!(points.len(), width as usize);
    Reduced { fields, points }
}

fn all() -> Reduction {
    Reduction {
        fields: vec!["intensity".to_owned()],
        voxel: None,
        most_points: usize::MAX,
    }
}

#[test]
fn fields_that_nobody_wants_and_points_without_a_position_are_left_out() {
    let points = vec![
        [1.0, 2.0, 3.0, 4.0],
        [f32::NAN, 0.0, 0.0, 0.0],
        [-1.0, 0.0, 0.5, 9.0],
    ];
    let reduced = cloud(points).reduced(&all()).expect("a cloud");
    let fields = [("x", 0), ("y", 4), ("z", 8), ("intensity", 12)];
    assert_eq!(
        reduced.fields,
        fields.map(|(name, at)| (name.to_owned(), at))
    );
    assert_eq!(
        reduced.points,
        [[1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 0.5, 9.0]]
    );
}

#[test]
fn each_cube_keeps_one_point_and_no_cube_is_lost() {
    let points: Vec<[f32; 4]> = (-500..500)
        .map(|n| [n as f32 * 0.01 + 0.001, 0.0, 0.0, n as f32])
        .collect();
    let reduction = Reduction {
        voxel: Some(0.1),
        ..all()
    };
    let reduced = cloud(points.clone()).reduced(&reduction).expect("a cloud");
    assert_eq!(reduced.points.len(), 100);
    for [x, ..] in points {
        let near = |point: &Vec<f32>| (point[0] - x).abs() < 0.1;
        assert!(reduced.points.iter().any(near), "nothing near {x}");
    }
}

#[test]
fn of_too_many_points_every_nth_stays() {
    let points = (0..1000).map(|n| [n as f32, 0.0, 0.0, 0.0]).collect();
    let reduction = Reduction {
        most_points: 300,
        ..all()
    };
    let reduced = cloud(points).reduced(&reduction).expect("a cloud");
    assert_eq!(reduced.points.len(), 250);
    assert_eq!(reduced.points[1][0], 4.0);
}

#[test]
fn rows_of_a_camera_with_padding_are_read() {
    let points = vec![[0.0; 4], [1.0; 4], [2.0; 4], [3.0; 4]];
    // Two rows of one point each; the second half of each row is padding.
    let padded = Cloud {
        height: 2,
        width: 1,
        row_step: 48,
        ..cloud(points)
    };
    let whole = padded.reduced(&all()).expect("a cloud");
    assert_eq!(whole.points, [[0.0; 4], [2.0; 4]]);
    let narrow = Cloud {
        row_step: 20,
        ..padded
    };
    let error = narrow.reduced(&all()).expect_err("rows overlap");
    assert_eq!(
        error,
        CloudError::RowStep {
            row_step: 20,
            needed: 24
        }
        .into()
    );
}

#[test]
fn clouds_that_lie_are_refused() {
    let one = || cloud(vec![[0.0; 4]]);
    let wrong = [
        Cloud {
            point_step: 23,
            ..one()
        },
        Cloud {
            point_step: 0,
            row_step: 0,
            ..one()
        },
        Cloud {
            point_step: 25,
            row_step: 25,
            ..one()
        },
        Cloud {
            datatype: 9,
            ..one()
        },
        Cloud {
            datatype: 8,
            ..one()
        },
        Cloud {
            datatype: 6,
            ..one()
        },
        Cloud {
            count: u32::MAX,
            ..one()
        },
        Cloud { count: 0, ..one() },
    ];
    for (number, cloud) in wrong.iter().enumerate() {
        assert!(cloud.reduced(&all()).is_err(), "{number}");
    }
    let message = one().message();
    for length in 0..message.len() {
        assert!(PointCloud::parse(&message[..length]).is_err() || length >= message.len() - 4);
    }
}

#[test]
fn an_empty_cloud_stays_one() {
    let reduced = cloud(Vec::new()).reduced(&all()).expect("a cloud");
    assert!(reduced.points.is_empty());
}
