/** Places on the earth, near each other. */

/** A message of sensor_msgs/NavSatFix. */
export interface NavSatFix {
  status: { status: number };
  latitude: number;
  longitude: number;
  altitude: number;
  position_covariance: ArrayLike<number>;
}

export interface Place {
  latitude: number;
  longitude: number;
}

/** WGS 84: half of the axes, in metres. */
const EQUATOR_M = 6_378_137;
const POLE_M = 6_356_752.314;

/** How far a place is east and north of another one, in metres; good for some tens of kilometres. */
export function metresFrom(origin: Place, place: Place): { east: number; north: number } {
  const latitude = radians(origin.latitude);
  const [a, b] = [EQUATOR_M ** 2, POLE_M ** 2];
  const [sine, cosine] = [Math.sin(latitude), Math.cos(latitude)];
  const size = Math.sqrt(a * cosine ** 2 + b * sine ** 2);
  // Radii of the ellipsoid along the meridian and across it.
  const alongM = (a * b) / size ** 3;
  const acrossM = a / size;
  const turn = ((place.longitude - origin.longitude + 540) % 360) - 180;
  return {
    east: radians(turn) * acrossM * cosine,
    north: radians(place.latitude - origin.latitude) * alongM,
  };
}

/** A fix that tells a place. */
export function hasFix({ status, latitude, longitude }: NavSatFix): boolean {
  return status.status >= 0 && Number.isFinite(latitude) && Number.isFinite(longitude);
}

/** Standard deviation of the place on the ground, in metres; undefined where it is not told. */
export function accuracyM({ position_covariance: covariance }: NavSatFix): number | undefined {
  const variance = ((covariance[0] ?? 0) + (covariance[4] ?? 0)) / 2;
  return variance > 0 ? Math.sqrt(variance) : undefined;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
